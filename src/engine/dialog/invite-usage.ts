import type { SipRequest } from '../message/index.js';
import type { Target } from '../transport/index.js';
import type { IncomingInvite } from './incoming-invite.js';
import type { OutgoingRequest } from './outgoing.js';

/** The ACK to the last 2xx of a dialog: its number and, once the user gave it, what to repeat when the 2xx is repeated. */
export interface AckState {
  cseq: number;
  ack: { request: SipRequest; target: Target } | undefined;
}

/** The INVITEs that are under way in one dialog, both directions (RFC 3261 section 14). */
export class InviteUsage {
  /** Those that came in and are not over: unanswered, or answered with a 2xx whose ACK is missing. */
  server: IncomingInvite[] = [];
  client: OutgoingRequest | undefined;
  ack: AckState | undefined;
  #hangUps: (() => void)[] = [];

  /** An INVITE from the peer has no final response yet. */
  get answering(): boolean {
    return this.server.some((invite) => invite.pending);
  }

  /** An INVITE to the peer has no final response yet. */
  get asking(): boolean {
    return this.client !== undefined && !this.client.finished;
  }

  /** The INVITE of the peer that makes the dialog, while it has no final response, or its 2xx no ACK. */
  get opening(): IncomingInvite | undefined {
    return this.server.find((invite) => invite.initial && (invite.pending || invite.awaitsAck));
  }

  /** `hangUp` is called when {@link opening} is over. */
  onceOpened(hangUp: () => void): void {
    this.#hangUps.push(hangUp);
  }

  /** {@link opening} is over. False when nobody waited for that. */
  opened(): boolean {
    const hangUps = this.#hangUps;
    this.#hangUps = [];
    for (const hangUp of hangUps) hangUp();
    return hangUps.length > 0;
  }

  add(invite: IncomingInvite): void {
    this.tidy();
    this.server.push(invite);
  }

  /** Lets go of INVITEs that are over. */
  tidy(): void {
    this.server = this.server.filter((invite) => invite.pending || invite.awaitsAck);
  }

  find(cseq: number): IncomingInvite | undefined {
    return this.server.find((invite) => invite.cseq === cseq);
  }
}
