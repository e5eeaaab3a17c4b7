import dns from 'node:dns/promises';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../clock/clock.js';
import { Http2Connection } from '../http2/connection.js';
import { type ApnsEndpoint, dial } from './connect.js';
import { TimeIsUp, within } from './patience.js';
import { type ProxyOptions, Tunnel } from './proxy.js';
import { type Trouble, troubleInWords } from './reach-words.js';

/** The steps to a connection that pushes can go over, in order. `proxy` only where there is one. */
export type ReachStepName = 'dns' | 'tcp' | 'proxy' | 'tls' | 'http2';

/** What one step showed. */
export interface ReachStep {
  readonly step: ReachStepName;
  readonly ok: boolean;
  /** Milliseconds that it took. */
  readonly ms: number;
  /** What was seen. */
  readonly text: string;
  /** What to do about it, if it failed. */
  readonly advice?: string;
}

export interface ReachOptions {
  readonly clock: Clock;
  readonly endpoint: ApnsEndpoint;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string;
  readonly proxy?: ProxyOptions;
  /** How long a step may wait for the other side, in milliseconds. */
  readonly patience: number;
}

type Seen = { readonly text: string } | { readonly trouble: unknown };

/** Tries the way to Apple step by step; the first that fails is the last. Never rejects. */
export async function* reach(options: ReachOptions): AsyncGenerator<ReachStep> {
  for (const [step, run] of stepsOf(options)) {
    const startedAt = options.clock.monotonic();
    const seen = await run().catch((trouble: unknown): Seen => ({ trouble }));
    const ms = Math.round(options.clock.monotonic() - startedAt);
    if ('text' in seen) yield { step, ok: true, ms, text: seen.text };
    else {
      yield {
        step: stepOf(step, seen.trouble),
        ok: false,
        ms,
        ...troubleInWords(troubleOf(step, seen.trouble, options)),
      };
      return;
    }
  }
}

function stepsOf(options: ReachOptions): readonly (readonly [ReachStepName, () => Promise<Seen>])[] {
  const { clock, endpoint, proxy, patience } = options;
  const first = proxy ?? endpoint;
  let address = first.host;
  let secured: TLSSocket | undefined;
  const lookUp = async (): Promise<Seen> => {
    const found = await within(clock, patience, dns.lookup(first.host, { all: true }), () => {});
    address = found[0]?.address ?? first.host;
    const list = found.map((entry) => entry.address).join(', ');
    return { text: net.isIP(first.host) ? `${list} (an address needs none)` : `${first.host} is ${list}` };
  };
  const connect = async (): Promise<Seen> => {
    const socket = net.connect({ host: address, port: first.port });
    const connected = new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    await within(clock, patience, connected, () => socket.destroy());
    socket.destroy();
    return { text: `${place({ host: address, port: first.port })} takes connections${proxy ? ' (the proxy)' : ''}` };
  };
  const tunnel = async (): Promise<Seen> => {
    const through = new Tunnel(proxy ?? { host: '', port: 0 }, place(endpoint));
    (await within(clock, patience, through.open(), () => through.abort())).destroy();
    return { text: `lets through to ${place(endpoint)}` };
  };
  const secure = async (): Promise<Seen> => {
    const { ca } = options;
    const way = dial({ endpoint, turn: 0, ...(ca === undefined ? {} : { ca }), ...(proxy ? { proxy } : {}) });
    secured = await within(clock, patience, way.socket, () => way.abort());
    const { subject, issuer } = secured.getPeerCertificate();
    const issued = [issuer?.CN, issuer?.O].filter(Boolean).join(', ');
    return { text: `${secured.getProtocol()}, certificate of ${String(subject?.CN)}, issued by ${issued}` };
  };
  const greet = async (): Promise<Seen> => {
    let connection: Http2Connection | undefined;
    const settings = new Promise<number>((resolve, reject) => {
      const events = {
        onSettings: resolve,
        onGoaway: () => reject(new Error('GOAWAY before SETTINGS')),
        onPong: () => {},
        onClose: (why: string) => reject(new Error(`no SETTINGS: ${why}`)),
      };
      connection = new Http2Connection({ socket: secured as TLSSocket, clock, events });
    });
    try {
      const streams = await within(clock, patience, settings, () => {});
      return {
        text: `SETTINGS came, ${Number.isFinite(streams) ? streams : 'any number of'} pushes at once to begin with`,
      };
    } finally {
      connection?.destroy();
    }
  };
  return [
    ['dns', lookUp],
    ['tcp', connect],
    ...(proxy ? ([['proxy', tunnel]] as const) : []),
    ['tls', secure],
    ['http2', greet],
  ];
}

function troubleOf(step: ReachStepName, error: unknown, { endpoint, proxy, patience }: ReachOptions): Trouble {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return {
    step: stepOf(step, error),
    code: error instanceof TimeIsUp ? 'TIME' : code,
    message: error instanceof TimeIsUp ? `nothing within ${patience / 1000} s` : messageOf(error),
    host: endpoint.host,
    target: place(endpoint),
    at: place(step === 'dns' || step === 'tcp' || step === 'proxy' ? (proxy ?? endpoint) : endpoint),
    viaProxy: proxy !== undefined,
  };
}

/** TLS that comes up without HTTP/2 is no fault of TLS. */
function stepOf(step: ReachStepName, error: unknown): ReachStepName {
  return step === 'tls' && /ALPN|no application protocol/.test(messageOf(error)) ? 'http2' : step;
}

/** In one line, without what only the authors of OpenSSL can read. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, reason] = /:error:\w+:[^:]*:[^:]*:([^:]+):/.exec(message) ?? [];
  return (reason ?? message).trim();
}

const place = ({ host, port }: ApnsEndpoint): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
