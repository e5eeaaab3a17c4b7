import type { Clock } from '../../clock/clock.js';
import {
  type Endpoint,
  type Flow,
  type MessageTransport,
  parseMessage,
  type SendCallback,
  type SentBy,
  type SipMessage,
  type SipResponse,
  type Target,
  type TransportLayer,
} from './stack.js';
import type { RecordedMessage } from './types.js';

const KEPT = 4000;

/** The latest messages of a simulator, in order, at most 4000. */
export class MessageLog {
  #entries: RecordedMessage[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get entries(): readonly RecordedMessage[] {
    return this.#entries;
  }

  add(direction: 'in' | 'out', message: SipMessage | Buffer, peer: string): void {
    const copy = Buffer.isBuffer(message) ? readable(message) : message.clone();
    if (!copy) return;
    this.#entries.push({ at: this.#clock.now(), direction, message: copy, peer });
    if (this.#entries.length > KEPT) this.#entries.splice(0, KEPT / 4);
  }
}

/** A transport that writes down every message that goes through it, retransmissions included. */
export class RecordingTransport implements MessageTransport {
  readonly #inner: TransportLayer;
  readonly #log: MessageLog;
  #listeners: ((message: SipMessage, flow: Flow) => void)[] = [];

  constructor(inner: TransportLayer, log: MessageLog) {
    this.#inner = inner;
    this.#log = log;
    inner.onMessage((message, flow) => {
      log.add('in', message, peerOf(flow));
      for (const listener of this.#listeners) listener(message, flow);
    });
  }

  onData(fn: (data: Buffer, flow: Flow) => Flow | undefined): void {
    this.#inner.onData(fn);
  }

  /** Calls `fn` for each message, in the order in which they were added. */
  onMessage(fn: (message: SipMessage, flow: Flow) => void): void {
    this.#listeners.push(fn);
  }

  onParseError(fn: Parameters<MessageTransport['onParseError']>[0]): void {
    this.#inner.onParseError(fn);
  }

  onFlowClosed(fn: (flow: Flow) => void): void {
    this.#inner.onFlowClosed(fn);
  }

  onUnreachable(fn: (remote: Endpoint, error: Error) => void): void {
    this.#inner.onUnreachable(fn);
  }

  send(message: SipMessage | Buffer, target: Target, callback: SendCallback): void {
    this.#log.add('out', message, `${target.protocol}/${target.host}:${target.port}`);
    this.#inner.send(message, target, callback);
  }

  reply(response: SipResponse | Buffer, flow: Flow, callback?: SendCallback): void {
    this.#log.add('out', response, peerOf(flow));
    this.#inner.reply(response, flow, callback);
  }

  localFor(target: Target): SentBy {
    return this.#inner.localFor(target);
  }
}

/** `udp/192.0.2.1:5060` */
export function peerOf(flow: Flow): string {
  return `${flow.protocol}/${flow.remote.address}:${flow.remote.port}`;
}

function readable(data: Buffer): SipMessage | undefined {
  try {
    return parseMessage(data);
  } catch {
    return undefined;
  }
}
