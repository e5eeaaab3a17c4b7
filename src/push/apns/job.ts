import type { Timer } from '../../clock/clock.js';
import type { PushOutcome, PushRequest } from '../provider.js';
import type { SigningAccount } from './key.js';
import type { ApnsMessage } from './request.js';
import type { ApnsSession, Attempt } from './session.js';

/** A push on its way to its one outcome. */
export class Job {
  readonly request: PushRequest;
  readonly apnsId: string;
  readonly message: ApnsMessage;
  /** Monotonic milliseconds of the call of `push`. */
  readonly askedAt: number;
  readonly #resolve: (outcome: PushOutcome) => void;
  #settled = false;
  /** Fires at the request's deadline. */
  deadline: Timer | undefined;
  /** Fires when a delayed attempt is due. */
  delay: Timer | undefined;
  attempt: Attempt | undefined;
  attempts = 0;
  /** Attempts whose fate is unknown. */
  unknown = 0;
  /** Temporary refusals. */
  refusals = 0;
  /** The one repetition at once was used. */
  repeated = false;
  /** The connection to keep away from if there is another. */
  avoid: ApnsSession | undefined;
  /** Keys that it went to. */
  tried: readonly SigningAccount[] = [];
  /** Why it hasn't succeeded so far. */
  reason = 'NoConnection';

  constructor(
    request: PushRequest,
    apnsId: string,
    message: ApnsMessage,
    askedAt: number,
    resolve: (outcome: PushOutcome) => void,
  ) {
    this.request = request;
    this.apnsId = apnsId;
    this.message = message;
    this.askedAt = askedAt;
    this.#resolve = resolve;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The call may be over. A predicate that throws doesn't cost the call its push. */
  get stillWanted(): boolean {
    try {
      return this.request.stillWanted?.() ?? true;
    } catch {
      return true;
    }
  }

  /** Ends it, once; says whether this was that once. */
  settle(outcome: PushOutcome): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.deadline?.cancel();
    this.delay?.cancel();
    this.#resolve(outcome);
    return true;
  }
}
