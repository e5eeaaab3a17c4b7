import type { Timer } from '../../clock/clock.js';
import type { PushOutcome, PushRequest } from '../provider.js';
import type { SigningAccount } from './key.js';
import type { ApnsMessage } from './request.js';
import type { ApnsSession, Attempt } from './session.js';

/** Who has a push on its way. */
export interface JobOwner {
  /** Ends a push that ran out of time. */
  expire(job: Job): void;
  /** Takes a push that has ended out of all that waits. */
  remove(job: Job): void;
}

/** A push on its way to its one outcome. Of its request it keeps what is still needed: there may be thousands. */
export class Job {
  readonly ref: PushRequest['ref'];
  readonly environment: PushRequest['environment'];
  readonly teamId: string;
  readonly deadline: number;
  readonly tokenRegisteredAt: number | undefined;
  readonly message: ApnsMessage;
  /** Monotonic milliseconds of the call of `push`. */
  readonly askedAt: number;
  /** Monotonic milliseconds of the request's deadline. */
  readonly dueAt: number;
  readonly #stillWanted: (() => boolean) | undefined;
  readonly #onLeave: (() => void) | undefined;
  readonly #resolve: (outcome: PushOutcome) => void;
  #settled = false;
  owner: JobOwner;
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
  tried: readonly SigningAccount[];
  /** Why it hasn't succeeded so far. */
  reason = 'NoConnection';

  constructor(
    request: PushRequest,
    message: ApnsMessage,
    askedAt: number,
    dueAt: number,
    owner: JobOwner & { readonly alone: readonly SigningAccount[] },
    resolve: (outcome: PushOutcome) => void,
  ) {
    this.ref = request.ref;
    this.environment = request.environment;
    this.teamId = request.teamId;
    this.deadline = request.deadline;
    this.tokenRegisteredAt = request.tokenRegisteredAt;
    this.message = message;
    this.askedAt = askedAt;
    this.dueAt = dueAt;
    this.owner = owner;
    this.tried = owner.alone;
    this.#stillWanted = request.stillWanted;
    this.#onLeave = request.onLeave;
    this.#resolve = resolve;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The call may be over. A predicate that throws doesn't cost the call its push. */
  get stillWanted(): boolean {
    if (!this.#stillWanted) return true;
    try {
      return this.#stillWanted();
    } catch {
      return true;
    }
  }

  /** It leaves the process. What throws there doesn't cost the call its push. */
  readonly leave = (): void => {
    try {
      this.#onLeave?.();
    } catch {}
  };

  /** Ends it, once; says whether this was that once. */
  settle(outcome: PushOutcome): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.delay?.cancel();
    this.#resolve(outcome);
    return true;
  }
}
