import type { Buffer } from 'node:buffer';
import type { Clock } from '../../clock/clock.js';
import type { SipUri } from '../../grammar/uri.js';
import type { SipMessage, SipParseError, SipResponse } from '../message/index.js';
import type { TransportLimits } from './limits.js';
import type {
  Endpoint,
  Flow,
  Listener,
  ListenOptions,
  MessageTransport,
  SendCallback,
  SentBy,
  Target,
  TlsSettings,
} from './types.js';

export interface TransportLayerOptions {
  readonly clock: Clock;
  readonly limits?: Partial<TransportLimits>;
  /** For outbound TLS and WSS connections. */
  readonly tls?: TlsSettings;
  readonly log?: (text: string) => void;
}

/** RFC 3261 section 18: listeners, connections, sending and receiving of messages. */
export class TransportLayer implements MessageTransport {
  constructor(readonly options: TransportLayerOptions) {}

  /** Opens a listener. Rejects with what Node says when the address can't be bound. */
  listen(_options: ListenOptions): Promise<Listener> {
    throw new Error('not yet');
  }

  get listeners(): readonly Listener[] {
    return [];
  }

  onMessage(_fn: (message: SipMessage, flow: Flow) => void): void {}

  onParseError(_fn: (error: SipParseError, flow: Flow) => void): void {}

  onFlowClosed(_fn: (flow: Flow) => void): void {}

  onUnreachable(_fn: (remote: Endpoint, error: Error) => void): void {}

  send(_message: SipMessage | Buffer, _target: Target, _callback: SendCallback): void {}

  /** Sends a response back where its request came from: RFC 3261 section 18.2.2 and RFC 3581. */
  reply(_response: SipResponse | Buffer, _flow: Flow, _callback?: SendCallback): void {}

  /** Where a request to `uri` goes, best first: RFC 3263. Rejects when nothing is found. */
  resolve(_uri: SipUri): Promise<Target[]> {
    throw new Error('not yet');
  }

  /** The same without waiting, when the host is an IP address; else undefined. */
  resolveNow(_uri: SipUri): Target | undefined {
    return undefined;
  }

  localFor(_target: Target): SentBy {
    throw new Error('not yet');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
