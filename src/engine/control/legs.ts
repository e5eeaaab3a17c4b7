import type { Clock, Timer } from '../../clock/clock.js';
import type { Dialog } from '../dialog/dialog.js';
import type { OutgoingRequest } from '../dialog/outgoing.js';
import type { SipResponse } from '../message/index.js';
import type { Flow } from '../transport/index.js';
import type { ControlSession } from './session.js';

/** A response as it came, with where it belongs. */
export interface Heard {
  readonly response: SipResponse;
  readonly dialog: Dialog | undefined;
  readonly flow: Flow | undefined;
}

/** A request that an app has sent. */
export interface Leg {
  readonly outgoing: OutgoingRequest;
  session: ControlSession;
  /** The last response; kept for INVITEs that begin a dialog. */
  heard: Heard | undefined;
  /** Runs while its app is gone, or may have died before it could act on the final response. */
  patience: Timer | undefined;
  /** Nobody claimed it in time: it was cancelled, or its answer hung up. */
  givenUp: boolean;
}

/** Milliseconds that an INVITE which was given up is remembered: it must not be sent again while its call may still be going on. */
const GIVEN_UP_KEPT = 180_000;

/**
 * Requests of apps that are not settled yet. An INVITE outlives its app for a while: an app that sends it again, with the same Call-ID and From tag, gets
 * that very transaction and its last response, and the phone doesn't ring twice. One that came too late for that gets to hear how it ended.
 */
export class Legs {
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #giveUp: (leg: Leg) => void;
  readonly #legs = new Map<OutgoingRequest, Leg>();
  readonly #invites = new Map<string, Leg>();

  /** `patience` in milliseconds; `giveUp` is told of each INVITE that nobody claimed in time. */
  constructor(clock: Clock, patience: number, giveUp: (leg: Leg) => void) {
    this.#clock = clock;
    this.#patience = patience;
    this.#giveUp = giveUp;
  }

  add(outgoing: OutgoingRequest, session: ControlSession): void {
    const leg: Leg = { outgoing, session, heard: undefined, patience: undefined, givenUp: false };
    this.#legs.set(outgoing, leg);
    const key = keyOf(outgoing);
    if (key !== undefined) this.#invites.set(key, leg);
    if (session.closed) this.#orphan(leg);
  }

  of(outgoing: OutgoingRequest): Leg | undefined {
    return this.#legs.get(outgoing);
  }

  /** The INVITE of another connection that this Call-ID and From tag name. */
  claimable(callId: string, fromTag: string, claimant: ControlSession): Leg | undefined {
    const leg = this.#invites.get(`${callId} ${fromTag}`);
    return leg === undefined || leg.session === claimant ? undefined : leg;
  }

  claim(leg: Leg, session: ControlSession): void {
    leg.session = session;
    leg.patience?.cancel();
    leg.patience = undefined;
  }

  /** The app is told the final response. Until it acts on that, or had the time to, its successor may still claim it. */
  told(leg: Leg): void {
    if (keyOf(leg.outgoing) === undefined || this.#patience === 0) {
      this.remove(leg);
      return;
    }
    leg.patience?.cancel();
    leg.patience = this.#clock.setTimeout(() => this.remove(leg), this.#patience);
  }

  /** The app acknowledged the answer that made this dialog. */
  acknowledged({ callId, localTag }: Dialog): void {
    const leg = this.#invites.get(`${callId} ${localTag}`);
    if (leg !== undefined) this.remove(leg);
  }

  remove(leg: Leg): void {
    leg.patience?.cancel();
    this.#legs.delete(leg.outgoing);
    const key = keyOf(leg.outgoing);
    if (key !== undefined && this.#invites.get(key) === leg) this.#invites.delete(key);
  }

  /** Forgets all of them. */
  close(): void {
    for (const leg of [...this.#legs.values()]) this.remove(leg);
  }

  /** The app's connection died. */
  gone(session: ControlSession): void {
    for (const leg of [...this.#legs.values()]) if (leg.session === session) this.#orphan(leg);
  }

  #orphan(leg: Leg): void {
    if (keyOf(leg.outgoing) === undefined || this.#patience === 0) {
      this.remove(leg);
      this.#giveUp(leg);
      return;
    }
    leg.patience?.cancel();
    if (leg.givenUp) this.#keep(leg);
    else
      leg.patience = this.#clock.setTimeout(() => {
        leg.givenUp = true;
        this.#keep(leg);
        this.#giveUp(leg);
      }, this.#patience);
  }

  #keep(leg: Leg): void {
    leg.patience = this.#clock.setTimeout(() => this.remove(leg), GIVEN_UP_KEPT);
  }
}

/** Of an INVITE outside a dialog: its Call-ID and From tag. */
function keyOf({ request }: OutgoingRequest): string | undefined {
  if (request.method !== 'INVITE' || request.toTag !== undefined) return undefined;
  return `${request.callId} ${request.fromTag ?? ''}`;
}
