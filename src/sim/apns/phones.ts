import net from 'node:net';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../../clock/clock.js';
import type { AcceptedPush } from './judge.js';

/** A push as a phone gets it: one line of JSON. */
export interface DeliveredPush {
  readonly apnsId: string;
  readonly topic: string;
  readonly pushType: string;
  readonly priority: number;
  readonly expiration: number;
  readonly payload: unknown;
  /** Epoch milliseconds of the provider's request. */
  readonly receivedAt: number;
}

/** What a phone says: its token, with topic and environment if it wants them registered. */
const helloSchema = z.object({
  token: z.string().regex(/^([0-9a-fA-F]{2}){1,256}$/),
  topics: z.array(z.string().max(255)).max(20).optional(),
  environment: z.enum(['production', 'sandbox']).optional(),
});

export type PhoneHello = z.output<typeof helloSchema>;

const LINE_LIMIT = 8192;
const MAX_PHONES = 20_000;
const MAX_STORED = 100_000;
/** Without the header Apple stores for a long time. */
const DEFAULT_STORAGE_MS = 30 * 86_400_000;

/**
 * Apple's side of the phones' own connections: JSON lines over TCP. A phone says `{"token":"hex"}` and is told its pushes; what came
 * while it was away, and was to be stored, comes first. One push is stored per token and topic, the newest.
 */
export class Phones {
  readonly #clock: Clock;
  readonly #onHello: (hello: PhoneHello) => void;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #byToken = new Map<string, Set<net.Socket>>();
  readonly #stored = new LRUCache<string, { readonly until: number; readonly push: DeliveredPush }>({
    max: MAX_STORED,
  });

  constructor(clock: Clock, onHello: (hello: PhoneHello) => void) {
    this.#clock = clock;
    this.#onHello = onHello;
    this.#server = net.createServer((socket) => this.#onConnection(socket));
    this.#server.maxConnections = MAX_PHONES;
  }

  get server(): net.Server {
    return this.#server;
  }

  /** Phones connected now. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Hands a push to its phone, or stores it. Says which, or that it is lost. */
  deliver(push: AcceptedPush, apnsId: string, receivedAt: number): 'delivered' | 'stored' | 'lost' {
    const delivered: DeliveredPush = {
      apnsId,
      topic: push.topic,
      pushType: push.pushType,
      priority: push.priority,
      expiration: push.expiration ?? 0,
      payload: push.payload,
      receivedAt,
    };
    const sockets = this.#byToken.get(push.token);
    if (sockets?.size) {
      for (const socket of sockets) write(socket, delivered);
      return 'delivered';
    }
    const until = push.expiration === undefined ? receivedAt + DEFAULT_STORAGE_MS : push.expiration * 1000;
    if (until <= this.#clock.now()) return 'lost';
    this.#stored.set(`${push.token} ${push.topic}`, { until, push: delivered });
    return 'stored';
  }

  /** Forgets what is stored. */
  clear(): void {
    this.#stored.clear();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onConnection(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    let pending = '';
    const tokens = new Set<string>();
    socket.on('data', (chunk: string) => {
      pending += chunk;
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') this.#onLine(socket, line, tokens);
      if (pending.length > LINE_LIMIT) socket.end('{"error":"line too long"}\n');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const token of tokens) {
        const sockets = this.#byToken.get(token);
        sockets?.delete(socket);
        if (sockets?.size === 0) this.#byToken.delete(token);
      }
    });
  }

  #onLine(socket: net.Socket, line: string, tokens: Set<string>): void {
    const hello = helloSchema.safeParse(parse(line));
    if (!hello.success || tokens.size >= 100) {
      write(socket, { error: 'expected {"token":"<hex>"}, at most 100 tokens a connection' });
      return;
    }
    const token = hello.data.token.toLowerCase();
    tokens.add(token);
    this.#byToken.set(token, (this.#byToken.get(token) ?? new Set()).add(socket));
    this.#onHello({ ...hello.data, token });
    for (const [key, { until, push }] of [...this.#stored.entries()]) {
      if (!key.startsWith(`${token} `)) continue;
      this.#stored.delete(key);
      if (until > this.#clock.now()) write(socket, push);
    }
  }
}

function write(socket: net.Socket, value: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
