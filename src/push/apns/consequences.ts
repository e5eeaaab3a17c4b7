import { LRUCache } from 'lru-cache';
import { tokenHash } from '../../log/mask.js';
import type { PushOutcome } from '../provider.js';
import type { ApnsAnswer } from './answer.js';
import type { Job } from './job.js';
import { type LaneContext, raise, type Subjects } from './lane-context.js';
import type { ApnsPool } from './pool.js';
import { type Reaction, reactionTo } from './reactions.js';
import type { ApnsSession } from './session.js';
import type { ProviderToken, ProviderTokens } from './token.js';

/** What a push does next. */
export type NextStep =
  | { readonly step: 'end'; readonly outcome: PushOutcome }
  | { readonly step: 'again' }
  | { readonly step: 'later'; readonly ms: number };

/** One answered attempt. */
export interface Answered {
  readonly job: Job;
  readonly session: ApnsSession;
  readonly token: ProviderToken;
  /** Monotonic milliseconds. */
  readonly sentAt: number;
  readonly answer: ApnsAnswer;
}

const DEVICES_ON_HOLD = 10_000;
const EXPIRES_AFTER = 3_600_000;
/** Clocks this far apart are worth telling. */
const SKEW_LIMIT = 60_000;

/** Does to account, topic, device and connection what the reaction table says, and says what the push does next. */
export class Consequences {
  readonly #context: LaneContext;
  readonly #subjects: Subjects;
  readonly #pool: ApnsPool;
  readonly #tokens: ProviderTokens;
  readonly #devices = new LRUCache<string, number>({ max: DEVICES_ON_HOLD });

  constructor(context: LaneContext, subjects: Subjects, pool: ApnsPool, tokens: ProviderTokens) {
    this.#context = context;
    this.#subjects = subjects;
    this.#pool = pool;
    this.#tokens = tokens;
  }

  /** Why no push of this topic may go now, or undefined. */
  heldReason(topic: string): string | undefined {
    const { holds } = this.#context;
    if (!holds.any) return undefined;
    return holds.reasonFor(this.#subjects.account) ?? holds.reasonFor(this.#topicHold(topic));
  }

  /** Milliseconds that pushes to this device have to wait. */
  deviceWait(token: string): number {
    if (this.#devices.size === 0) return 0;
    return Math.max(0, (this.#devices.get(token) ?? 0) - this.#context.clock.monotonic());
  }

  /**
   * Takes a 200.
   * @param sentAt and `at`, when the answer came: monotonic milliseconds
   */
  accepted(job: Job, sentAt: number, at: number, apnsId: string | undefined): PushOutcome {
    const { alarms, holds } = this.#context;
    if (alarms.any || holds.any) this.#goodAgain(job.message.topic);
    return {
      kind: 'accepted',
      apnsId: apnsId ?? job.message.apnsId,
      queuedMs: sentAt - job.askedAt,
      answerMs: at - sentAt,
      attempts: job.attempts,
    };
  }

  /** Takes an answer other than 200; `usual` is its row of the table. */
  of(answered: Answered, usual: Reaction): NextStep {
    const { job, answer, session } = answered;
    const reaction = this.#reactionTo(answered, usual);
    const reason = answer.reason || `Status${answer.status}`;
    job.reason = reason;
    job.avoid = session;
    this.#context.log.warn('APNs refused a push', {
      ...job.ref,
      account: this.#subjects.account,
      topic: job.message.topic,
      token: tokenHash(job.message.token),
      status: answer.status,
      reason,
      attempt: job.attempts,
    });
    const repeatedInVain = job.repeated && reaction.push === 'retry-once';
    this.#toAccount(answered, reaction, reason, repeatedInVain);
    if (reaction.topic === 'hold') this.#context.holds.hold(this.#topicHold(job.message.topic), reason);
    if (reaction.connection === 'replace') session.drain(reason);
    this.#alarm(job, reaction, reason);
    if (reaction.push === 'retry' || reaction.push === 'hold-device') return this.#retry(job, reaction, answer, reason);
    if (reaction.push === 'retry-once' && !repeatedInVain) {
      job.repeated = true;
      return { step: 'again' };
    }
    return { step: 'end', outcome: refusal(job, answer, reason, reaction) };
  }

  /** What Apple says of its clock explains what it says of the provider token. */
  #reactionTo({ answer, token }: Answered, reaction: Reaction): Reaction {
    if (answer.date !== undefined && reaction.account !== 'keep') {
      const ahead = answer.date - this.#context.clock.now();
      const skew = Math.abs(ahead) > SKEW_LIMIT ? ahead : 0;
      const told = Math.abs(skew - this.#tokens.skew) > SKEW_LIMIT;
      if (told) {
        this.#tokens.skew = skew;
        this.#clockIsWrong(token, answer.reason);
        if (answer.reason === 'InvalidProviderToken') return reactionTo(403, 'ExpiredProviderToken');
      }
    } else if (answer.reason === 'ExpiredProviderToken' && this.#tokens.age(token) < EXPIRES_AFTER - SKEW_LIMIT) {
      this.#clockIsWrong(token, answer.reason);
    }
    return reaction;
  }

  #clockIsWrong(token: ProviderToken, reason: string): void {
    const { skew } = this.#tokens;
    const age = Math.max(0, this.#tokens.age(token));
    const text =
      skew === 0
        ? `Apple calls a provider token expired that was made ${minutes(age)} ago by this machine's clock: the clock is behind, ` +
          `by ${minutes(EXPIRES_AFTER - age)} or more. Set up NTP.`
        : `This machine's clock is ${minutes(Math.abs(skew))} ${skew > 0 ? 'behind' : 'ahead of'} Apple's. Set up NTP. ` +
          "Until then provider tokens are made for Apple's clock.";
    raise(this.#context, 'PushNotificationServiceClockSkew', this.#subjects.account, reason, text);
  }

  #toAccount({ token }: Answered, reaction: Reaction, reason: string, repeatedInVain: boolean): void {
    if (reason === 'TooManyProviderTokenUpdates') this.#tokens.tooMany();
    if (reaction.account === 'keep') return;
    if (reaction.account === 'renew' && !repeatedInVain) {
      this.#tokens.expired(token);
      this.#pool.retire(token, reason);
      return;
    }
    if (reaction.account === 'renew') this.#clockIsWrong(token, reason);
    this.#context.holds.hold(this.#subjects.account, reason);
    this.#pool.retireAll(reason);
  }

  #retry(job: Job, reaction: Reaction, answer: ApnsAnswer, reason: string): NextStep {
    const { clock, random, timing } = this.#context;
    const voip = job.message.kind === 'voip';
    const delays = voip ? timing.voipRetriesMs : timing.otherRetriesMs;
    const planned = delays[job.refusals] ?? (voip ? undefined : delays.at(-1));
    job.refusals++;
    const ms = Math.max(answer.retryAfterMs ?? 0, (planned ?? 0) * (0.75 + random() / 2));
    if (reaction.push === 'hold-device') this.#devices.set(job.message.token, clock.monotonic() + ms);
    if (planned === undefined || clock.now() + ms >= job.deadline) {
      return { step: 'end', outcome: { kind: 'unreachable', reason, attempts: job.attempts } };
    }
    this.#pool.demand();
    return { step: 'later', ms };
  }

  #goodAgain(topic: string): void {
    const { alarms, holds } = this.#context;
    const { account, host } = this.#subjects;
    alarms.over('PushNotificationServiceUnavailable', host);
    alarms.over('PushNotificationServiceAccessTokenUnavailable', account);
    if (this.#tokens.skew === 0) alarms.over('PushNotificationServiceClockSkew', account);
    alarms.over('PushNotificationTopicRefused', this.#subjects.topic(topic));
    holds.release(account);
    holds.release(this.#topicHold(topic));
  }

  /** Trouble at Apple isn't told here but when it lasts or costs a push: one 503 in a day is nobody's business. */
  #alarm(job: Job, reaction: Reaction, reason: string): void {
    if (reaction.alarm === undefined || reaction.connection === 'count') return;
    raise(this.#context, reaction.alarm, this.#subjectOf(job, reaction), reason);
  }

  #subjectOf(job: Job, reaction: Reaction): string {
    if (reaction.topic === 'hold') return this.#subjects.topic(job.message.topic);
    if (reaction.alarm === 'PushNotificationServiceAccessTokenUnavailable') return this.#subjects.account;
    const { deviceId, aor } = job.ref;
    return `device ${deviceId}${aor === undefined ? '' : ` of ${aor}`} ${tokenHash(job.message.token)}`;
  }

  #topicHold(topic: string): string {
    return `${this.#subjects.account} ${topic}`;
  }
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;

function refusal(job: Job, answer: ApnsAnswer, reason: string, reaction: Reaction): PushOutcome {
  const { timestamp, status } = answer;
  const { tokenRegisteredAt } = job;
  const registeredSince = timestamp !== undefined && tokenRegisteredAt !== undefined && tokenRegisteredAt > timestamp;
  return {
    kind: 'refused',
    apnsId: job.message.apnsId,
    status,
    reason,
    token: reaction.token === 'dead' && registeredSince ? 'keep' : reaction.token,
    ...(timestamp === undefined ? {} : { unregisteredAt: timestamp }),
    attempts: job.attempts,
  };
}
