import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

/** Bytes sent as they are, and the start lines of what comes back. */
export interface Wire {
  /** `SIP/2.0 400 Bad Request`, in the order in which they came. */
  readonly lines: string[];
  /** The other side closed, or never opened, the connection. */
  readonly closed: boolean;
  /** Resolves when it is closed. */
  readonly ended: Promise<unknown>;
  send(data: Buffer | string): void;
  /** Resolves when a start line fits. Rejects after a while. */
  next(fits: RegExp): Promise<string>;
  end(): void;
}

const PATIENCE = 8_000;

/** Start lines of requests and responses in `text`. */
function startLines(text: string): string[] {
  return text.match(/^(?:SIP\/2\.0 \d{3}.*|[A-Z]+ \S+ SIP\/2\.0)$/gm) ?? [];
}

class Lines {
  readonly lines: string[] = [];
  closed = false;
  private readonly waiting = new Set<() => void>();

  take(text: string): void {
    this.lines.push(...startLines(text));
    for (const check of [...this.waiting]) check();
  }

  next(fits: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(check);
        reject(new Error(`Nothing like ${fits} came, but: ${this.lines.join(' | ')}`));
      }, PATIENCE);
      const check = () => {
        const found = this.lines.find((line) => fits.test(line));
        if (found === undefined) return;
        clearTimeout(timer);
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }
}

export async function udpWire(port: number): Promise<Wire> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const lines = new Lines();
  socket.on('message', (data) => lines.take(data.toString('latin1').replaceAll('\r', '')));
  return {
    lines: lines.lines,
    closed: false,
    ended: once(socket, 'close'),
    send: (data) => socket.send(data, port, '127.0.0.1'),
    next: (fits) => lines.next(fits),
    end: () => socket.close(),
  };
}

export async function tcpWire(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1');
  const lines = new Lines();
  const ended = once(socket, 'close');
  ended.catch(() => undefined);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    lines.closed = true;
  });
  socket.on('data', (data) => lines.take(data.toString('latin1').replaceAll('\r', '')));
  await once(socket, 'connect');
  return {
    lines: lines.lines,
    ended,
    get closed() {
      return lines.closed;
    },
    send: (data) => void socket.write(data),
    next: (fits) => lines.next(fits),
    end: () => socket.destroy(),
  };
}
