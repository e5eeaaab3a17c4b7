import { createConnection, type Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/clock.js';

const LONGEST_LINE = 64 * 1024;
const RECONNECT_MS = 1000;

export interface PushHello {
  /** Hexadecimal. */
  readonly token: string;
  readonly topics: readonly string[];
  readonly environment: 'production' | 'sandbox';
}

export interface PushChannelOptions {
  readonly host: string;
  readonly port: number;
  /** Device tokens to subscribe to, with the topics and the environment they are good for. */
  readonly hellos: readonly PushHello[];
  readonly clock: Clock;
  readonly onLine: (line: unknown) => void;
}

/**
 * The phone's own connection to the Apple simulator, which stands for the one that iOS keeps to Apple: it outlives the app's
 * sleep. Sends `{"token":"<hex>",...}` lines, gets one JSON line per push. Connects again when it was cut.
 */
export class PushChannel {
  readonly #options: PushChannelOptions;
  #socket: Socket | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: PushChannelOptions) {
    this.#options = options;
  }

  /** Resolves when connected and subscribed. Rejects when nobody listens there. */
  connect(): Promise<void> {
    const { host, port, hellos } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host, port });
      this.#socket = socket;
      let buffered = '';
      socket.setEncoding('utf8');
      socket.on('data', (text: string) => {
        buffered += text;
        if (buffered.length > LONGEST_LINE) socket.destroy();
        const lines = buffered.split('\n');
        buffered = lines.pop() ?? '';
        for (const line of lines) this.#onLine(line);
      });
      socket.on('connect', () => {
        for (const hello of hellos) socket.write(`${JSON.stringify(hello)}\n`);
        resolve();
      });
      socket.on('error', reject);
      socket.on('close', () => this.#reconnect());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    const socket = this.#socket;
    if (!socket || socket.closed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }

  #onLine(line: string): void {
    if (this.#closed || line.trim() === '') return;
    try {
      this.#options.onLine(JSON.parse(line));
    } catch {
      this.#socket?.destroy();
    }
  }

  #reconnect(): void {
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#options.clock.setTimeout(() => void this.connect().catch(() => {}), RECONNECT_MS);
  }
}
