import { type EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import DrachtioSrf from 'drachtio-srf';
import { Engine, type EngineOptions, type Started } from '../../../src/engine/engine.js';
import { Peer } from './peer.js';

type Headers = Record<string, string>;

export interface SrfMessage {
  headers: Headers;
  body: string;
  raw: string;
  get(name: string): string;
  has(name: string): boolean;
}

export interface SrfResponse extends SrfMessage {
  status: number;
  reason: string;
  msg: SrfMessage;
  send(
    status: number,
    options?: object,
    callback?: (error: unknown, sent: SrfMessage) => void,
    onPrack?: (prack: SrfRequest) => void,
  ): void;
  send(status: number, reason: string, options?: object): void;
}

export interface SrfRequest extends EventEmitter, SrfMessage {
  method: string;
  uri: string;
  source: string;
  source_address: string;
  source_port: number;
  protocol: string;
  receivedOn: string;
  stackTxnId: string;
  stackDialogId: string;
  socket: Socket;
  res: SrfResponse;
  canceled?: boolean;
  cancel(options?: object, callback?: (error: unknown, request: SrfMessage) => void): void;
}

export interface SrfDialog extends EventEmitter {
  id: string;
  sip: { callId: string; localTag: string; remoteTag: string };
  local: { uri: string; sdp: string; contact: string };
  remote: { uri: string; sdp: string };
  other: SrfDialog;
  destroy(options?: object): Promise<SrfMessage>;
  modify(sdp: string, options?: object): Promise<string>;
  request(options: object): Promise<SrfResponse>;
}

export interface ProxyResults {
  connected: boolean;
  finalStatus: number;
  finalResponse: { status: number; msg: SrfMessage };
  responses: { address: string; port: number; msgs: { status: number; msg: SrfMessage }[] }[];
}

export interface Srf extends EventEmitter {
  app: { client: { mapServer: Map<Socket, unknown>; isListening: boolean } };
  connect(options: object): void;
  listen(options: object): unknown;
  disconnect(): void;
  endSession(message: object): void;
  idle: boolean;
  use(method: string, handler: (req: SrfRequest, res: SrfResponse, next: () => void) => void): void;
  invite(handler: (req: SrfRequest, res: SrfResponse) => void): void;
  register(handler: (req: SrfRequest, res: SrfResponse) => void): void;
  options(handler: (req: SrfRequest, res: SrfResponse) => void): void;
  message(handler: (req: SrfRequest, res: SrfResponse) => void): void;
  bye(handler: (req: SrfRequest, res: SrfResponse) => void): void;
  createUAS(req: SrfRequest, res: SrfResponse, options: object): Promise<SrfDialog>;
  createUAC(uri: string, options: object, progress?: object): Promise<SrfDialog>;
  createB2BUA(
    req: SrfRequest,
    res: SrfResponse,
    uri: string,
    options: object,
    progress?: object,
  ): Promise<{ uas: SrfDialog; uac: SrfDialog }>;
  proxyRequest(req: SrfRequest, destination: string | string[], options?: object): Promise<ProxyResults>;
  request(uri: string, options: object): Promise<SrfRequest>;
  request(uri: string, options: object, callback: (error: unknown, request: SrfRequest) => void): void;
  unregisterForMessages(verb: string): void;
}

export function newSrf(tags?: string[]): Srf {
  const Constructor = DrachtioSrf as unknown as new (tags?: string[]) => Srf;
  return tags ? new Constructor(tags) : new Constructor();
}

export const SECRET = 'a-secret';

/** An engine on loopback with ports of the system's choice. Stopped when the test ends. */
export class Bench {
  private constructor(
    readonly t: ExecutionContext,
    readonly engine: Engine,
    readonly started: Started,
  ) {}

  static async start(t: ExecutionContext, options: Partial<EngineOptions> = {}): Promise<Bench> {
    const engine = new Engine({
      contacts: ['sip:127.0.0.1:0;transport=udp,tcp'],
      control: [{ address: '127.0.0.1', port: 0 }],
      secret: SECRET,
      load: { wait: 60_000, lag: 60_000, heap: 10 },
      ...options,
    });
    const started = await engine.start();
    t.teardown(() => engine.stop());
    return new Bench(t, engine, started);
  }

  /** The SIP port, for UDP and TCP alike. */
  get port(): number {
    return this.started.contacts[0]?.port ?? 0;
  }

  get controlPort(): number {
    return this.started.control[0]?.port ?? 0;
  }

  uri(user = 'bob', transport?: string): string {
    return `sip:${user}@127.0.0.1:${this.port}${transport ? `;transport=${transport}` : ''}`;
  }

  /** A connected and authenticated srf; `prepare` names its handlers first. */
  async srf(prepare: (srf: Srf) => void = () => undefined, options: object = {}): Promise<Srf> {
    const srf = newSrf();
    prepare(srf);
    const connected = once(srf, 'connect');
    srf.on('error', () => undefined);
    srf.connect({ host: '127.0.0.1', port: this.controlPort, secret: SECRET, ...options });
    const [error] = await connected;
    if (error) throw error;
    await routed();
    this.t.teardown(() => quit(srf));
    return srf;
  }

  async udp(): Promise<Peer> {
    const peer = await Peer.udp();
    this.t.teardown(() => peer.close());
    return peer;
  }

  async tcp(): Promise<Peer> {
    const peer = await Peer.tcp();
    this.t.teardown(() => peer.close());
    return peer;
  }
}

/** srf says `connect` before its route commands were answered: a few turns of the event loop for these. */
async function routed(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Ends an srf for good: no reconnect. */
export function quit(srf: Srf): void {
  crash(srf);
}

/** As a crash of the app looks to the engine: its connection dies. srf must not reconnect, so it is told that it is closing. */
export function crash(srf: Srf): void {
  const client = srf.app.client as unknown as { wp: { closing: boolean }; mapServer: Map<Socket, unknown> };
  client.wp.closing = true;
  for (const socket of client.mapServer.keys()) socket.destroy();
}

/** The next event of that name. */
export async function event<T>(emitter: EventEmitter, name: string): Promise<T> {
  const [first] = (await once(emitter, name)) as [T];
  return first;
}

/** A promise and what settles it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
