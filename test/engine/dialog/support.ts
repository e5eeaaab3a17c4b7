import type { Dialog } from '../../../src/engine/dialog/dialog.js';
import type { Incoming } from '../../../src/engine/dialog/incoming.js';
import { DialogLayer, type DialogUser } from '../../../src/engine/dialog/layer.js';
import {
  parseMessage,
  type SipMessage,
  SipParseError,
  type SipRequest,
  type SipResponse,
} from '../../../src/engine/message/index.js';
import type { Flow, SendCallback, SentBy, Target } from '../../../src/engine/transport/index.js';
import { parseUri, type SipUri } from '../../../src/grammar/uri.js';
import { FakeClock } from '../../support/fake-clock.js';

export const FLOW: Flow = {
  protocol: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '192.0.2.2', port: 5070 },
};

/** Keeps what is sent; what comes in is what the test hands over. */
export class FakeTransport {
  readonly sent: SipMessage[] = [];
  #receive: (message: SipMessage, flow: Flow) => void = () => undefined;

  onData(): void {}

  onMessage(fn: (message: SipMessage, flow: Flow) => void): void {
    this.#receive = fn;
  }

  onParseError(): void {}
  onFlowClosed(): void {}
  onUnreachable(): void {}

  send(message: SipMessage | Buffer, _target: Target, callback: SendCallback): void {
    this.#keep(message);
    callback(undefined, FLOW);
  }

  reply(response: SipResponse | Buffer, flow: Flow, callback?: SendCallback): void {
    this.#keep(response);
    callback?.(undefined, flow);
  }

  localFor(): SentBy {
    return { protocol: 'udp', host: '192.0.2.1', port: 5060 };
  }

  resolveNow(uri: SipUri): Target {
    return { protocol: 'udp', host: uri.host, port: uri.port ?? 5060 };
  }

  resolve(uri: SipUri): Promise<Target[]> {
    return Promise.resolve([this.resolveNow(uri)]);
  }

  receive(text: string): void {
    this.#receive(parseMessage(Buffer.from(text.replace(/\r?\n/g, '\r\n'))), FLOW);
  }

  /** Status lines and methods of what was sent since the last call. */
  take(): string[] {
    return this.sent.splice(0).map(brief);
  }

  #keep(message: SipMessage | Buffer): void {
    try {
      this.sent.push(Buffer.isBuffer(message) ? parseMessage(message) : message.clone());
    } catch (error) {
      // an application may command headers that nobody can read; they leave as they are
      if (!(error instanceof SipParseError)) throw error;
    }
  }
}

function brief(message: SipMessage): string {
  return message.kind === 'request' ? message.method : `${message.status} ${message.cseq.method}`;
}

export class Recorder implements DialogUser {
  readonly requests: Incoming[] = [];
  readonly log: string[] = [];
  readonly byes: SipRequest[] = [];
  readonly ended: Dialog[] = [];

  onRequest(incoming: Incoming): void {
    this.requests.push(incoming);
    this.log.push(incoming.method);
  }

  onCancel(): void {
    this.log.push('cancel');
  }

  onAck(): void {
    this.log.push('ack');
  }

  onExpired(): void {
    this.log.push('expired');
  }

  onWithdrawn(_dialog: Dialog, bye: SipRequest): void {
    this.byes.push(bye);
    this.log.push(`withdrawn (${bye.get('reason')})`);
  }

  onBye(_dialog: Dialog, bye: SipRequest): void {
    this.byes.push(bye);
    this.log.push('bye');
  }

  onDialogEnd(dialog: Dialog): void {
    this.ended.push(dialog);
  }

  onSettled(): void {}
  onRejected(): void {}
}

export interface Setup {
  clock: FakeClock;
  transport: FakeTransport;
  user: Recorder;
  layer: DialogLayer;
}

export function setup(options: { holdLimit?: number } = {}): Setup {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const user = new Recorder();
  const layer = new DialogLayer({ clock, transport, user, ...options });
  return { clock, transport, user, layer };
}

export interface Parts {
  cseq?: number;
  toTag?: string;
  headers?: string;
  branch?: string;
  body?: string;
}

let branches = 0;

/** A request from 192.0.2.2 as text. */
export function request(method: string, parts: Parts = {}): string {
  const { cseq = 1, toTag, headers = '', branch = `z9hG4bKt${++branches}`, body = '' } = parts;
  parseUri('sip:bob@192.0.2.1');
  return `${method} sip:bob@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.2:5070;branch=${branch}
Max-Forwards: 70
From: <sip:alice@192.0.2.2>;tag=alice
To: <sip:bob@192.0.2.1>${toTag ? `;tag=${toTag}` : ''}
Call-ID: call-1
CSeq: ${cseq} ${method}
Contact: <sip:alice@192.0.2.2:5070>
${headers}Content-Length: ${Buffer.byteLength(body)}

${body}`;
}
