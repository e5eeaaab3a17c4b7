import { Buffer } from 'node:buffer';
import {
  parseMessage,
  type SipMessage,
  type SipParseError,
  SipRequest,
  type SipResponse,
} from '../../../src/engine/message/index.js';
import type {
  Connection,
  Endpoint,
  Flow,
  MessageTransport,
  Protocol,
  SendCallback,
  SentBy,
  Target,
} from '../../../src/engine/transport/index.js';

export interface Sent {
  message: SipMessage;
  target: Target;
}

/** A transport that writes down what is sent and lets a test play the peer. */
export class FakeTransport implements MessageTransport {
  readonly sent: Sent[] = [];
  readonly replies: { message: SipMessage; flow: Flow }[] = [];
  /** When set, every sending fails with it. */
  error: Error | undefined;
  /** When set, only sendings over this protocol fail. */
  errorOnly: Protocol | undefined;
  private data: (data: Buffer, flow: Flow) => Flow | undefined = (_data, flow) => flow;
  private message: (message: SipMessage, flow: Flow) => void = () => {};
  private parseError: (error: SipParseError, flow: Flow) => void = () => {};
  private closed: (flow: Flow) => void = () => {};
  private gone: (remote: Endpoint, error: Error) => void = () => {};

  constructor(readonly protocol: Protocol = 'udp') {}

  readonly connection: Connection = {
    id: 1,
    protocol: 'tcp',
    alive: true,
    outbound: true,
    verified: false,
    peerNames: [],
    close() {},
  };

  flow(protocol: Protocol = this.protocol, address = '192.0.2.2'): Flow {
    const flow = {
      protocol,
      local: { address: '192.0.2.1', port: 5060 },
      remote: { address, port: 5060 },
    };
    return protocol === 'udp' ? flow : { ...flow, connection: this.connection };
  }

  onData(fn: (data: Buffer, flow: Flow) => Flow | undefined): void {
    this.data = fn;
  }

  onMessage(fn: (message: SipMessage, flow: Flow) => void): void {
    this.message = fn;
  }

  onParseError(fn: (error: SipParseError, flow: Flow) => void): void {
    this.parseError = fn;
  }

  onFlowClosed(fn: (flow: Flow) => void): void {
    this.closed = fn;
  }

  onUnreachable(fn: (remote: Endpoint, error: Error) => void): void {
    this.gone = fn;
  }

  send(message: SipMessage | Buffer, target: Target, callback: SendCallback): void {
    const fails = this.error && (!this.errorOnly || this.errorOnly === target.protocol);
    if (!fails) this.sent.push({ message: copy(message), target });
    if (fails) callback(this.error);
    else callback(undefined, this.flow(target.protocol, target.host));
  }

  reply(response: SipResponse | Buffer, flow: Flow, callback?: SendCallback): void {
    if (this.error) callback?.(this.error);
    else {
      this.replies.push({ message: copy(response), flow });
      callback?.(undefined, flow);
    }
  }

  localFor(target: Target): SentBy {
    return { protocol: target.protocol, host: '192.0.2.1', port: 5060 };
  }

  receive(message: SipMessage, flow = this.flow()): void {
    this.receiveData(message.toBuffer(), flow);
  }

  /** Bytes as they come over the wire; those that can't be parsed throw. */
  receiveData(data: Buffer, flow = this.flow()): void {
    const asked = this.data(data, flow);
    if (asked) this.message(copy(data), asked);
  }

  receiveBad(error: SipParseError): void {
    this.parseError(error, this.flow());
  }

  closeFlow(): void {
    this.closed(this.flow('tcp'));
  }

  refuse(remote: Endpoint): void {
    this.gone(remote, new Error('Nobody listens'));
  }

  /** Start lines of what was sent, each with its number of times. */
  get methods(): string[] {
    return this.sent.map(({ message }) => (message.kind === 'request' ? message.method : String(message.status)));
  }

  get statuses(): number[] {
    return this.replies.map(({ message }) => (message.kind === 'response' ? message.status : 0));
  }

  lastRequest(): SipRequest {
    const message = this.sent.at(-1)?.message;
    if (!(message instanceof SipRequest)) throw new Error('No request was sent');
    return message;
  }
}

function copy(message: SipMessage | Buffer): SipMessage {
  return parseMessage(Buffer.isBuffer(message) ? message : message.toBuffer());
}

export interface RequestParts {
  branch?: string;
  callId?: string;
  cseq?: number;
  fromTag?: string;
  toTag?: string;
  uri?: string;
  via?: string;
}

/** A request as it comes in from a peer. */
export function inbound(method: string, parts: RequestParts = {}): SipRequest {
  const request = outbound(method, parts);
  request.prepend('Via', parts.via ?? `SIP/2.0/UDP 192.0.2.2:5060;branch=${parts.branch ?? 'z9hG4bKpeer'}`);
  return request;
}

/** A request as a user hands it over for sending, without a Via. */
export function outbound(method: string, parts: RequestParts = {}): SipRequest {
  const to = parts.toTag === undefined ? '' : `;tag=${parts.toTag}`;
  return new SipRequest(method, parts.uri ?? 'sip:2001@192.0.2.2')
    .add('Max-Forwards', '70')
    .add('From', `<sip:1001@corp.example>;tag=${parts.fromTag ?? 'from1'}`)
    .add('To', `<sip:2001@corp.example>${to}`)
    .add('Call-ID', parts.callId ?? 'call1')
    .add('CSeq', `${parts.cseq ?? 1} ${method}`);
}
