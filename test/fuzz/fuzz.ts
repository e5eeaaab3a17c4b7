import { readdirSync, readFileSync } from 'node:fs';
import { Random } from '../../src/sim/random.js';
import { EngineProcess } from '../engine/hostile/engine-process.js';
import { quit, SECRET, type SrfRequest, type SrfResponse } from '../engine/support/srf.js';
import { BrokenCallee } from './callee.js';
import { controlBytes } from './control-frames.js';
import { madeRequest } from './grammar.js';
import { mutate } from './mutate.js';
import { protosMessage } from './protos.js';
import { Senders } from './senders.js';

export interface FuzzOptions {
  readonly seed: number;
  /** Whether to go on after so many batches. */
  readonly until: (batches: number) => boolean;
  readonly print?: (line: string) => void;
}

export interface FuzzResult {
  readonly batches: number;
  readonly messages: number;
  /** Megabytes of the process, after the first minute (or the first batch) and at the end. */
  readonly memory: { readonly early: number; readonly late: number };
  /** What went wrong, with everything that was sent since the last good call. */
  readonly finding?: { readonly text: string; readonly sent: readonly Sent[] };
}

export interface Sent {
  readonly way: 'udp' | 'tcp' | 'ws' | 'control' | 'response';
  readonly data: Buffer;
}

const FOLDER = 'test/fixtures/rfc4475';
/** Transactions that are over are forgotten after 32 s; then memory must have stopped growing. */
const EARLY = 60_000;
const CONTACT = 'sip:127.0.0.1:0;transport=udp,tcp';

/**
 * Sends hostile bytes to an engine process in batches, over every transport and the control port, with a good call after each batch.
 * Stops at the first finding: the process died, an exception was logged, a good call failed.
 */
export async function fuzz({ seed, until, print = () => {} }: FuzzOptions): Promise<FuzzResult> {
  const random = new Random(seed);
  const engine = await EngineProcess.start(undefined, {
    contacts: [CONTACT, 'sip:127.0.0.1:0;transport=ws'],
    args: ['--verbose', '--no-shedding'],
    heap: 128,
  });
  // What drachtio-srf can't read it tells there, whole: a stranger's way to fill a disk.
  const complaints: string[] = [];
  const tell = console.error;
  console.error = (...told: unknown[]) => complaints.push(told.join(' '));
  let sent: Sent[] = [];
  const keep = (way: Sent['way'], data: Buffer): Buffer => {
    sent.push({ way, data });
    return data;
  };
  const callee = await BrokenCallee.start(random, (data) => void keep('response', data));
  const dialogs: string[] = [];
  const app = await engine.app(undefined, (req, res) => answer(req, res));
  const answer = (req: SrfRequest, res: SrfResponse): void => {
    if (dialogs.length < 200)
      dialogs.push(`From: ${req.get('from')}\r\nTo: ${req.get('to')};tag=x\r\nCall-ID: ${req.get('call-id')}`);
    const user = /^sip:(\w+)@/.exec(req.uri)?.[1];
    if (req.method !== 'INVITE') res.send(200);
    else if (user === 'b2b') {
      app.createB2BUA(req, res, callee.uri, {}).then(
        ({ uas, uac }) => setTimeout(() => [uas, uac].map((dialog) => dialog.destroy().catch(() => undefined)), 50),
        () => undefined,
      );
    } else if (user === 'proxy') app.proxyRequest(req, callee.uri, { recordRoute: true }).catch(() => undefined);
    else res.send(486);
  };
  const ports = {
    udp: engine.port('udp'),
    tcp: engine.port('tcp'),
    ws: engine.port('ws'),
    control: engine.controlPort,
  };
  const senders = new Senders(random, ports);
  const around = { engine: `127.0.0.1:${ports.udp}`, dialogs };
  const real = readdirSync(FOLDER).map((file) => readFileSync(`${FOLDER}/${file}`));
  const message = (transport: string): Buffer => {
    if (random.chance(0.25)) return protosMessage(random, around.engine);
    if (random.chance(0.5)) return mutate(random, random.pick(real), random.pick(real));
    const made = madeRequest(random, around, transport);
    return random.chance(0.5) ? made : mutate(random, made, random.pick(real));
  };
  const several = (way: 'udp' | 'tcp' | 'ws', count: number): Buffer[] =>
    Array.from({ length: count }, () => keep(way, message(way.toUpperCase())));

  const started = Date.now();
  let batches = 0;
  let messages = 0;
  let early = 0;
  let trouble: string | undefined;
  try {
    while (trouble === undefined && until(batches)) {
      sent = [];
      await Promise.all([
        senders.udp(several('udp', 60)),
        ...Array.from({ length: 3 }, () => senders.tcp(several('tcp', 1 + random.below(10)))),
        ...Array.from({ length: 2 }, () => senders.ws(several('ws', 1 + random.below(6)))),
        ...Array.from({ length: 3 }, () => senders.control(keep('control', controlBytes(random, SECRET)))),
      ]);
      messages += sent.length;
      batches++;
      trouble = (await unwell(engine)) ?? complaints[0];
      if (early === 0 || (Date.now() - started < EARLY && batches % 50 === 0))
        early = engine.alive ? engine.memory() : 0;
      if (batches % 200 === 0) print(`${batches} batches, ${messages} messages, ${Math.round(engine.memory())} MB`);
    }
    const late = engine.alive ? engine.memory() : 0;
    const result = { batches, messages, memory: { early, late } };
    return trouble === undefined ? result : { ...result, finding: { text: trouble, sent } };
  } finally {
    console.error = tell;
    senders.close();
    callee.close();
    quit(app);
    await engine.stop();
  }
}

/** What is wrong with the process, if anything is. */
async function unwell(engine: EngineProcess): Promise<string | undefined> {
  try {
    await engine.goodCall('udp');
    await engine.goodCall('tcp');
  } catch (error) {
    const died = engine.alive ? '' : `the engine ended with ${engine.exitCode}; `;
    return `${died}${error instanceof Error ? error.message : String(error)}\n${engine.errors.slice(-20).join('\n')}`;
  }
  const logged = engine.errors.find((line) => /threw|(Type|Range|Reference)Error/.test(line));
  return logged === undefined ? undefined : engine.errors.slice(engine.errors.indexOf(logged)).slice(0, 15).join('\n');
}
