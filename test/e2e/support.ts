import type { ExecutionContext } from 'ava';
import { Stage, type StageOptions } from '../../src/demo/stage.js';
import type { SipMessage, SipRequest, SipResponse } from '../../src/engine/message/index.js';
import type { RecordedMessage } from '../../src/sim/ua/types.js';

/**
 * The engine that the e2e tests run on: the embedded one, or the drachtio-server that `CALLWAKE_TEST_ENGINE`
 * (`drachtio://host:port/secret`) names. Such a server serves one callwake at a time: run the files one after another.
 */
export const externalEngine = engineFrom(process.env.CALLWAKE_TEST_ENGINE);

type StageTransport = NonNullable<StageOptions['transport']>;

/** `CALLWAKE_TEST_TRANSPORT`: one of udp, tcp, tls in place of what a test asks for. */
const forced = transportFrom(process.env.CALLWAKE_TEST_TRANSPORT);

/** The transports that a test goes over in turn: those that it names, or the one that the environment asks for. */
export function transports(...named: readonly StageTransport[]): readonly StageTransport[] {
  return forced === undefined ? named : [forced];
}

/** A stage that is taken down when the test ends, over the transport that the environment asks for. */
export async function stageFor(t: ExecutionContext, options: StageOptions): Promise<Stage> {
  const stage = await stageOf(options);
  t.teardown(() => stage.close());
  return stage;
}

/** The same for all tests of a file, which takes it down. */
export function stageOf(options: StageOptions): Promise<Stage> {
  return startStage({ ...options, ...(forced === undefined ? {} : { transport: forced }) });
}

/** The same for tests whose transport is theirs: their other end speaks no other, or it is what they test. */
export async function stageExactly(t: ExecutionContext, options: StageOptions): Promise<Stage> {
  const stage = await startStage(options);
  t.teardown(() => stage.close());
  return stage;
}

/** As {@link stageExactly}, for whoever takes it down. */
export function startStage(options: StageOptions): Promise<Stage> {
  return Stage.start({ ...options, ...(externalEngine === undefined ? {} : { engine: externalEngine }) });
}

/** Requests of that method that a simulator got, retransmissions left out. */
export function requestsIn(messages: readonly RecordedMessage[], method: string): SipRequest[] {
  return requests(messages, method, 'in');
}

/** Requests of that method that a simulator sent, retransmissions left out. */
export function requestsOut(messages: readonly RecordedMessage[], method: string): SipRequest[] {
  return requests(messages, method, 'out');
}

/** Responses of that status that a simulator sent. */
export function responsesOut(messages: readonly RecordedMessage[], status: number): SipResponse[] {
  return messages.flatMap(({ direction, message }) =>
    direction === 'out' && message.kind === 'response' && message.status === status ? [message] : [],
  );
}

function requests(messages: readonly RecordedMessage[], method: string, direction: 'in' | 'out'): SipRequest[] {
  const seen = new Set<string>();
  return messages.flatMap(({ direction: way, message }) => {
    if (way !== direction || message.kind !== 'request' || message.method !== method) return [];
    const key = `${message.via.branch} ${message.callId} ${message.cseq.number}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [message];
  });
}

/** The text of everything a simulator got or sent. */
export function wire(messages: readonly RecordedMessage[]): string {
  return messages.map(({ message }: { message: SipMessage }) => message.toString()).join('\n');
}

function transportFrom(name: string | undefined): StageOptions['transport'] {
  if (!name) return undefined;
  if (name === 'udp' || name === 'tcp' || name === 'tls') return name;
  throw new Error('CALLWAKE_TEST_TRANSPORT must be udp, tcp or tls');
}

function engineFrom(url: string | undefined): StageOptions['engine'] {
  if (!url) return undefined;
  const match = /^drachtio:\/\/([^:/]+):(\d+)\/(.+)$/.exec(url);
  if (match === null) throw new Error('CALLWAKE_TEST_ENGINE must be drachtio://host:port/secret');
  return { host: match[1] ?? '', port: Number(match[2]), secret: match[3] ?? '' };
}
