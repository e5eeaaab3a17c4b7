import { connect, type Socket } from 'node:net';
import type { Random } from '../../src/sim/random.js';
import { ApiStage, token } from '../ops/api-stage.js';
import { type OpenApi, operationsOf, readDocument } from '../ops/http/openapi-document.js';
import { odd } from './config.js';
import { mutate } from './mutate.js';
import { type Finding, NASTY, type Subject } from './subject.js';

const PATIENCE = 30_000;
const BAD: ReadonlySet<string> = new Set(['fault', 'crash', 'app ended', 'engine ended', 'api not started']);
const TYPES = ['application/json', 'application/json; charset=utf-16', 'text/plain', 'application/xml', 'x', ''];

/** The HTTP API of a callwake: every operation, with paths, headers and bodies that it should not get. */
export class HttpSubject implements Subject {
  private constructor(
    readonly api: ApiStage,
    readonly operations: ReturnType<typeof operationsOf>,
  ) {}

  static async start(): Promise<HttpSubject> {
    const api = await ApiStage.start(undefined, { edge: 'path' });
    const document: OpenApi = readDocument((await api.ask('/openapi.json', { token: null })).json);
    return new HttpSubject(api, operationsOf(document));
  }

  async feed(random: Random): Promise<Finding | undefined> {
    const input = request(random, this.operations);
    const answer = await firstLine(Number(new URL(this.api.url).port), input);
    const bad = this.api.stage.callwake.log.find(({ event }) => BAD.has(event));
    if (bad !== undefined) return { text: JSON.stringify(bad), input };
    if (answer === 'nothing') return { text: 'no answer, and the connection stays', input };
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
    // 503: there is no such thing here, as without a store; anything else of 500 is a defect. A closed connection is an answer too.
    if (answer !== '' && (status === 0 || (status >= 500 && status !== 503))) return { text: answer, input };
    if (/^x-injected:/im.test(answer)) return { text: `a header of the stranger's: ${answer}`, input };
    return undefined;
  }

  /** Gives what is wrong now that all is over. */
  async lastWord(): Promise<string | undefined> {
    const { status } = await this.api.ask('/live', { token: null });
    return status === 200 ? undefined : `/live says ${status}`;
  }

  async close(): Promise<void> {
    await this.api.stage.close();
  }
}

/** What comes first, head and maybe a body's beginning; empty when the connection is closed without a word, `nothing` after a while. */
export function firstLine(port: number, data: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.end(data));
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(() => end('nothing'), PATIENCE);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n')) end(text);
    });
    socket.on('error', () => end(text));
    socket.on('close', () => end(text));
  });
}

function request(random: Random, operations: ReturnType<typeof operationsOf>): Buffer {
  const [path, method] = random.pick(operations);
  const filled = path.replaceAll(/\{(\w+)\}/g, () =>
    random.chance(0.7)
      ? encodeURIComponent(wellFormed(random.pick([...NASTY, 'sip:2001@corp.example'])))
      : rawPart(random),
  );
  const query = random.chance(0.3)
    ? `?${random.word(4)}=${encodeURIComponent(wellFormed(random.pick(NASTY)))}&limit=${rawPart(random)}`
    : '';
  const body = bodyOf(random);
  const lines = [
    `${random.chance(0.9) ? method.toUpperCase() : random.pick(['PATCH', 'TRACE', 'CONNECT', 'PRI', 'get', ''])} ${filled}${query} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(random.chance(0.85)
      ? [`Authorization: Bearer ${token()}`]
      : [`Authorization: ${wellFormed(random.pick(NASTY))}`]),
    ...(random.chance(0.9) ? [`Content-Type: ${random.chance(0.7) ? TYPES[0] : random.pick(TYPES)}`] : []),
    ...(random.chance(0.2) ? [`Idempotency-Key: ${wellFormed(random.pick(NASTY))}`] : []),
    ...(random.chance(0.1) ? [`Accept: ${random.pick(['text/event-stream', '*/*;q=2', ''])}`] : []),
    ...(random.chance(0.05) ? Array.from({ length: random.below(3000) }, (_, i) => `X-${i}: y`) : []),
    ...(random.chance(0.05) ? [`X-Long: ${'a'.repeat(random.below(40_000))}`] : []),
    random.chance(0.9)
      ? `Content-Length: ${body.length}`
      : random.pick([
          'Content-Length: -1',
          'Content-Length: 99999999999',
          'Transfer-Encoding: chunked',
          'Transfer-Encoding: x',
        ]),
    'Connection: close',
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
  const whole = Buffer.concat([head, body]);
  return random.chance(0.15) ? mutate(random, whole, head) : whole;
}

const rawPart = (random: Random): string =>
  random.pick(['%', '%GG', '%ff%fe', '..', '%2e%2e%2f', '%00', 'x'.repeat(600), '*']);

const KEYS = [
  'kind',
  'to',
  'text',
  'sender',
  'invitation',
  'counts',
  'mode',
  'password',
  'voip',
  'alert',
  'platform',
  'level',
];

function bodyOf(random: Random): Buffer {
  switch (random.below(8)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.from('['.repeat(5_000) + ']'.repeat(random.below(5_000)));
    case 2:
      return Buffer.from(`{"a":${'{"a":'.repeat(3_000)}1${'}'.repeat(3_001)}`);
    case 3:
      return random.bytes(random.below(300));
    case 4:
      return Buffer.concat([
        Buffer.from('{"text":"'),
        Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80, 0xff]),
        Buffer.from('"}'),
      ]);
    case 5:
      return Buffer.from('{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}');
    default: {
      const entries = Array.from({ length: random.below(8) }, () => [random.pick(KEYS), odd(random, 3)] as const);
      return Buffer.from(JSON.stringify(Object.fromEntries(entries)));
    }
  }
}

const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
