import { generateKeyPairSync } from 'node:crypto';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { systemClock } from '../../src/clock/clock.js';
import { ApnsProvider } from '../../src/push/apns/client.js';
import type { PushOutcome } from '../../src/push/provider.js';
import type { Random } from '../../src/sim/random.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { type Finding, NASTY, type Subject } from './subject.js';

/** Long enough for pushes that are tried again. */
const DEADLINE = 400;
const PATIENCE = 30_000;
const TEAM = 'TEAM123456';

/** An Apple that answers pushes as no Apple would, over good HTTP/2 and over broken frames. */
export class ApnsSubject implements Subject {
  #random: Random | undefined;
  #did: string[] = [];
  #unexpected: unknown;
  readonly #onUnexpected = (error: unknown): void => {
    this.#unexpected = error;
  };

  private constructor(
    readonly server: http2.Http2SecureServer,
    readonly raw: tls.Server,
    readonly providerOf: (server: tls.Server) => ApnsProvider,
  ) {
    process.on('uncaughtException', this.#onUnexpected);
    server.on('stream', (stream) => this.#answer(stream));
    raw.on('secureConnection', (socket) => this.#frames(socket));
  }

  static async start(): Promise<ApnsSubject> {
    const certificate = makeCertificate();
    const server = http2.createSecureServer({ ...certificate, maxSessionInvalidFrames: 1_000_000 });
    server.on('session', (session) => session.on('error', () => undefined));
    server.on('sessionError', () => undefined);
    const raw = tls.createServer({ ...certificate, ALPNProtocols: ['h2'] });
    raw.on('tlsClientError', () => undefined);
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const one of [server, raw]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    return new ApnsSubject(server, raw, (one) => {
      const endpoint = { host: '127.0.0.1', port: (one.address() as AddressInfo).port };
      return new ApnsProvider({
        clock: systemClock,
        accounts: [{ teamId: TEAM, keyId: 'KEY1234567', key }],
        endpoints: { production: endpoint, sandbox: endpoint },
        ca: certificate.cert,
        random: () => 0,
      });
    });
  }

  async feed(random: Random): Promise<Finding | undefined> {
    this.#random = random;
    this.#did = [];
    // A new one each time: who was ill-treated long enough sends nothing for a while.
    const provider = this.providerOf(random.chance(0.7) ? this.server : this.raw);
    try {
      return await this.#feed(provider, random);
    } finally {
      await provider.close();
    }
  }

  async close(): Promise<void> {
    for (const one of [this.server, this.raw]) one.close();
    process.off('uncaughtException', this.#onUnexpected);
  }

  async #feed(provider: ApnsProvider, random: Random): Promise<Finding | undefined> {
    const outcomes = await Promise.all(
      Array.from({ length: 1 + random.below(4) }, () => settled(push(provider, random))),
    );
    const input = this.#did.join('\n');
    if (this.#unexpected !== undefined) {
      const error = this.#unexpected;
      return { text: `uncaught: ${error instanceof Error ? error.stack : String(error)}`, input };
    }
    for (const outcome of outcomes) {
      if (outcome === 'late' || outcome instanceof Error) return { text: `push: ${outcome}`, input };
      if ('reason' in outcome && !/^[\x20-\x7e]{0,200}$/.test(outcome.reason)) {
        return { text: `a reason that goes to logs: ${JSON.stringify(outcome.reason)}`, input };
      }
    }
    const { queued, inFlight } = provider.status();
    return queued + inFlight === 0
      ? undefined
      : { text: `${queued} queued, ${inFlight} in flight, for no push`, input };
  }

  #answer(stream: http2.ServerHttp2Stream): void {
    const random = this.#random;
    if (random === undefined) return;
    stream.on('error', () => undefined);
    stream.on('data', () => undefined);
    const session = stream.session;
    const what = random.pick(ANSWERS);
    this.#did.push(what);
    // Never inside the callback that the stream came with: node 20 may crash when it ends there.
    setImmediate(() => {
      if (stream.destroyed || session === undefined || session.destroyed) return;
      try {
        act(what, random, stream, session);
      } catch (error) {
        // What node's own server refuses to send is no case.
        this.#did.push(`not sent: ${error}`);
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
    });
  }

  /** Frames that are none, before SETTINGS or after. */
  #frames(socket: TLSSocket): void {
    const random = this.#random;
    if (random === undefined) return;
    socket.on('error', () => undefined);
    const parts = Array.from({ length: random.below(6) }, () => frame(random));
    const data = Buffer.concat([...(random.chance(0.8) ? [SETTINGS] : []), ...parts]);
    this.#did.push(`frames ${data.toString('hex').slice(0, 2_000)}`);
    socket.write(data);
    socket.on('data', () => {
      if (!socket.destroyed) socket.write(frame(random));
    });
    setTimeout(() => socket.destroy(), 100);
  }
}

const SETTINGS = Buffer.from('000000040000000000', 'hex');

const ANSWERS = [
  'status',
  'no JSON',
  'deep JSON',
  'large JSON',
  'headers',
  'informational',
  'trailers',
  'reset',
  'goaway',
  'settings',
  'end without body',
  'nothing',
  'cut',
] as const;

const REASONS = [
  'BadDeviceToken',
  'Unregistered',
  'TooManyRequests',
  'ExpiredProviderToken',
  'Shutdown',
  'InternalServerError',
];

function act(
  what: (typeof ANSWERS)[number],
  random: Random,
  stream: http2.ServerHttp2Stream,
  session: http2.Http2Session,
): void {
  const status = random.pick([200, 201, 204, 301, 400, 403, 404, 405, 410, 413, 418, 429, 431, 499, 500, 503, 599]);
  const reason = random.chance(0.5) ? random.pick(REASONS) : random.pick(NASTY);
  const reply = (body: string | Buffer, headers: http2.OutgoingHttpHeaders = {}): void => {
    stream.respond({ ':status': status, ...headers });
    stream.end(body);
  };
  switch (what) {
    case 'status':
      reply(JSON.stringify({ reason, timestamp: random.pick([0, -1, 1e300, '1', null, 2 ** 60]) }));
      return;
    case 'no JSON':
      reply(random.chance(0.5) ? random.bytes(random.below(5000)) : random.pick(['{', 'null', '1', '"x"', '[]']));
      return;
    case 'deep JSON':
      reply('{"reason":'.repeat(2_000) + '['.repeat(2_000));
      return;
    case 'large JSON':
      reply(JSON.stringify({ reason: 'x'.repeat(200_000) }));
      return;
    case 'headers':
      reply('', {
        'apns-id': headerText(random),
        'retry-after': random.pick([
          '-1',
          '1e9',
          'Thu, 01 Jan 1970 00:00:00 GMT',
          '99999999999999',
          headerText(random),
        ]),
        date: random.pick(['x', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT']),
        'x-much': 'y'.repeat(random.below(12_000)),
      });
      return;
    case 'informational':
      stream.additionalHeaders({ ':status': 103 });
      reply('');
      return;
    case 'trailers':
      stream.respond({ ':status': status }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ reason: 'BadDeviceToken' }));
      stream.end('{}');
      return;
    case 'reset':
      stream.close(random.below(14));
      return;
    case 'goaway':
      session.goaway(
        random.below(14),
        random.pick([0, 1, 2 ** 31 - 1]),
        Buffer.from(random.pick([...NASTY, '{"reason":1}'])),
      );
      if (random.chance(0.5)) reply('');
      return;
    case 'settings':
      session.settings({
        maxConcurrentStreams: random.pick([0, 1, 2 ** 32 - 1]),
        initialWindowSize: random.pick([0, 1, 65_535]),
        maxFrameSize: 16_384,
        headerTableSize: random.pick([0, 4096]),
      });
      // Otherwise nothing could ever be sent again.
      setTimeout(
        () => session.destroyed || session.settings({ maxConcurrentStreams: 100, initialWindowSize: 65_535 }),
        50,
      );
      reply('');
      return;
    case 'end without body':
      stream.respond({ ':status': status }, { endStream: true });
      return;
    case 'nothing':
      return;
    case 'cut':
      session.destroy();
  }
}

function headerText(random: Random): string {
  return random
    .pick(NASTY)
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 500);
}

/** An HTTP/2 frame (RFC 9113 section 4.1) that makes no sense, or is none. */
function frame(random: Random): Buffer {
  if (random.chance(0.2)) return random.bytes(random.below(60));
  const payload = random.bytes(random.below(40));
  const head = Buffer.alloc(9);
  head.writeUIntBE(random.chance(0.8) ? payload.length : random.below(2 ** 24), 0, 3);
  head.writeUInt8(random.below(12), 3);
  head.writeUInt8(random.below(256), 4);
  head.writeUInt32BE(random.pick([0, 1, 2, 3, 2 ** 31, 2 ** 32 - 1]), 5);
  return Buffer.concat([head, payload]);
}

function push(provider: ApnsProvider, random: Random): Promise<PushOutcome> {
  return provider.push({
    ref: { deviceId: 'phone' },
    kind: random.pick(['voip', 'alert', 'background']),
    token: random.bytes(32).toString('hex'),
    environment: 'production',
    teamId: TEAM,
    topic: 'com.example.phone.voip',
    payload: { aps: {}, text: random.pick(NASTY).slice(0, 500) },
    deadline: Date.now() + DEADLINE,
  });
}

function settled(pushed: Promise<PushOutcome>): Promise<PushOutcome | Error | 'late'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), PATIENCE);
    pushed
      .then(resolve, (error: unknown) => resolve(error instanceof Error ? error : new Error(String(error))))
      .finally(() => clearTimeout(timer));
  });
}
