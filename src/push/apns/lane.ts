import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.js';
import { tokenHash } from '../../log/mask.js';
import type { PushEnvironment } from '../provider.js';
import type { Alarms } from './alarms.js';
import { type ApnsAnswer, readAnswer } from './answer.js';
import type { Random } from './back-off.js';
import type { Breaker, Pass } from './breaker.js';
import type { Counters } from './counters.js';
import type { Holds } from './holds.js';
import type { Job } from './job.js';
import type { SigningAccount } from './key.js';
import type { ApnsTiming, PushLog } from './options.js';
import { ApnsPool, type PoolOptions } from './pool.js';
import { type Reaction, reactionTo, reasonInWords } from './reactions.js';
import type { ApnsSession, AttemptEnd } from './session.js';
import { type ProviderToken, ProviderTokens } from './token.js';

/** What the lanes of a provider share. */
export interface LaneContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: ApnsTiming;
  readonly alarms: Alarms;
  readonly counters: Counters;
  readonly holds: Holds;
  readonly log: PushLog;
  /** Ends a job. */
  readonly settle: (job: Job, outcome: Parameters<Job['settle']>[0]) => void;
  readonly noteError: (text: string) => void;
}

export interface LaneOptions {
  readonly account: SigningAccount;
  readonly environment: PushEnvironment;
  readonly host: string;
  readonly breaker: Breaker;
  readonly connections: number;
  readonly open: PoolOptions['open'];
}

const DEVICES_ON_HOLD = 10_000;
/** Attempts that Apple didn't look at cost nothing, but something is wrong if there are so many. */
const MAX_ATTEMPTS = 20;

/** The way of one account's pushes to one environment: queue, connections, and what Apple's answers do to them. */
export class Lane {
  readonly #context: LaneContext;
  readonly #options: LaneOptions;
  readonly #pool: ApnsPool;
  readonly #tokens: ProviderTokens;
  /** Pushes to send again go before new ones. Sets keep the order, and a job that ends leaves from anywhere. */
  readonly #resends = new Set<Job>();
  readonly #queue = new Set<Job>();
  readonly #devices = new LRUCache<string, number>({ max: DEVICES_ON_HOLD });
  #pumping = false;
  #breakerTimer = false;
  #inFlight = 0;

  constructor(context: LaneContext, options: LaneOptions) {
    this.#context = context;
    this.#options = options;
    this.#tokens = new ProviderTokens(options.account, context.clock);
    this.#pool = new ApnsPool({
      clock: context.clock,
      random: context.random,
      size: options.connections,
      backOff: context.timing.reconnect,
      open: options.open,
      onChange: () => this.pump(),
      onOpened: () => {
        context.counters.connectionsOpened++;
        context.log.info('connected to APNs', this.#fields);
      },
      onFailed: (why, failures) => this.#onConnectFailed(why, failures),
      onGoaway: (reason) => {
        context.counters.goaways++;
        context.log.info('APNs closes a connection', { ...this.#fields, reason });
      },
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get sessions(): readonly ApnsSession[] {
    return this.#pool.sessions;
  }

  /** Takes a new push. */
  add(job: Job): void {
    const held = this.#heldReason(job);
    if (held) {
      this.#refuse(job, 0, held);
      return;
    }
    const until = this.#devices.get(job.request.token) ?? 0;
    const wait = until - this.#context.clock.monotonic();
    if (wait > 0) {
      job.reason = 'TooManyRequests';
      this.#later(job, wait);
      return;
    }
    this.#queue.add(job);
    if (!this.#pool.pick()) this.#dropIfHopeless(job);
    this.pump();
  }

  /** Takes a push that has ended out of the lane. */
  remove(job: Job): void {
    this.#queue.delete(job);
    this.#resends.delete(job);
  }

  /** Sends what can be sent now. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let job = this.#next(); job; job = this.#next()) if (!this.#trySend(job)) break;
    } finally {
      this.#pumping = false;
    }
  }

  close(): void {
    this.#pool.close();
  }

  get #fields(): Record<string, unknown> {
    const { account, environment, host } = this.#options;
    return { teamId: account.teamId, keyId: account.keyId, environment, host };
  }

  get #accountName(): string {
    return `${this.#options.account.teamId}/${this.#options.account.keyId} ${this.#options.environment}`;
  }

  #topicName(job: Job): string {
    return `${job.request.topic} ${this.#options.environment}`;
  }

  #heldReason(job: Job): string | undefined {
    const { holds } = this.#context;
    return holds.reasonFor(this.#accountName) ?? holds.reasonFor(`${this.#accountName} ${job.request.topic}`);
  }

  #next(): Job | undefined {
    return this.#resends.values().next().value ?? this.#queue.values().next().value;
  }

  /** False when nothing can be sent now. */
  #trySend(job: Job): boolean {
    const held = this.#heldReason(job);
    if (held) {
      this.remove(job);
      this.#refuse(job, 0, held);
      return true;
    }
    const session = this.#pool.pick(job.avoid);
    if (!session) {
      this.#pool.demand();
      return false;
    }
    const pass = this.#options.breaker.enter();
    if (!pass) {
      this.#waitForBreaker();
      return false;
    }
    this.remove(job);
    if (job.stillWanted) this.#attempt(job, session, pass);
    else {
      pass.neutral();
      this.#context.settle(job, { kind: 'withdrawn', attempts: job.attempts });
    }
    if (this.#queue.size > 0 && !this.#pool.pick()) this.#pool.demand();
    return true;
  }

  #attempt(job: Job, session: ApnsSession, pass: Pass): void {
    const { clock, counters, timing } = this.#context;
    const token = this.#tokens.forConnection(session.token);
    const sentAt = clock.monotonic();
    job.attempts++;
    counters.attempts++;
    this.#inFlight++;
    const attempt = session.send(job.message, token, (end) => {
      this.#inFlight--;
      job.answer?.cancel();
      job.attempt = undefined;
      this.#onEnd(job, session, token, sentAt, pass, end);
    });
    job.attempt = attempt;
    job.answer = clock.setTimeout(() => attempt.giveUp('no answer in time'), timing.answerMs);
  }

  #onEnd(job: Job, session: ApnsSession, token: ProviderToken, sentAt: number, pass: Pass, end: AttemptEnd): void {
    if (end.kind === 'answer') {
      const answer = readAnswer(end.status, end.headers, end.body, this.#context.clock.now());
      this.#pool.useful(session);
      this.#onAnswer(job, session, token, sentAt, pass, answer);
      return;
    }
    pass.neutral();
    this.#context.log.info('a push got no answer', {
      ...this.#fields,
      ...job.request.ref,
      why: end.why,
      fate: end.kind,
    });
    if (end.kind === 'unknown') {
      this.#context.counters.unanswered++;
      job.unknown++;
      job.reason = end.why.startsWith('connection lost') ? 'ConnectionLost' : 'NoAnswer';
    }
    job.avoid = session;
    if (job.settled) return;
    if (job.unknown > 1 || job.attempts >= MAX_ATTEMPTS) this.#unreachable(job, job.reason);
    else this.#again(job);
  }

  #onAnswer(
    job: Job,
    session: ApnsSession,
    token: ProviderToken,
    sentAt: number,
    pass: Pass,
    answer: ApnsAnswer,
  ): void {
    const reaction = reactionTo(answer.status, answer.reason);
    if (reaction.connection === 'count') {
      const wasOpen = this.#options.breaker.isOpen;
      pass.failed();
      if (this.#options.breaker.isOpen) this.#onBreakerOpen(reaction, !wasOpen);
    } else pass.ok();
    if (reaction.push === 'accept') {
      this.#accepted(job, sentAt, answer);
      return;
    }
    const reason = answer.reason || `Status${answer.status}`;
    job.reason = reason;
    const secondTime = job.repeated && reaction.push === 'retry-once';
    this.#context.log.warn('APNs refused a push', {
      ...this.#fields,
      ...job.request.ref,
      topic: job.request.topic,
      token: tokenHash(job.request.token),
      status: answer.status,
      reason,
      attempt: job.attempts,
    });
    this.#alarm(job, reaction, reason);
    if (reaction.account === 'renew' && !secondTime) {
      this.#tokens.expired(token);
      this.#pool.retire(token, reason);
    }
    if (reaction.account === 'hold' || (reaction.account === 'renew' && secondTime)) this.#holdAccount(reason);
    if (reaction.topic === 'hold') this.#context.holds.hold(`${this.#accountName} ${job.request.topic}`, reason);
    if (reaction.connection === 'replace') session.drain(reason);
    if (!job.settled) this.#continue(job, session, reaction, answer, reason);
    this.pump();
  }

  #continue(job: Job, session: ApnsSession, reaction: Reaction, answer: ApnsAnswer, reason: string): void {
    job.avoid = session;
    switch (reaction.push) {
      case 'retry-once':
        if (job.repeated) this.#refuse(job, answer.status, reason);
        else {
          job.repeated = true;
          this.#again(job);
        }
        break;
      case 'retry':
      case 'hold-device':
        this.#retry(job, reaction, answer, reason);
        break;
      default:
        this.#refuse(job, answer.status, reason, reaction, answer);
    }
  }

  #retry(job: Job, reaction: Reaction, answer: ApnsAnswer, reason: string): void {
    const { clock, random, timing } = this.#context;
    const voip = job.request.kind === 'voip';
    const delays = voip ? timing.voipRetriesMs : timing.otherRetriesMs;
    const planned = delays[job.refusals] ?? (voip ? undefined : delays.at(-1));
    job.refusals++;
    const wait = Math.max(answer.retryAfterMs ?? 0, (planned ?? 0) * (0.75 + random() / 2));
    if (reaction.push === 'hold-device') this.#devices.set(job.request.token, clock.monotonic() + wait);
    if (planned === undefined || clock.now() + wait >= job.request.deadline) this.#unreachable(job, reason);
    else this.#later(job, wait);
  }

  #later(job: Job, wait: number): void {
    job.delay = this.#context.clock.setTimeout(() => this.#again(job), wait);
  }

  #again(job: Job): void {
    this.#resends.add(job);
    if (!this.#pool.pick()) this.#dropIfHopeless(job);
    this.pump();
  }

  #accepted(job: Job, sentAt: number, answer: ApnsAnswer): void {
    const { alarms, clock, holds } = this.#context;
    alarms.over('PushNotificationServiceUnavailable', this.#options.host);
    alarms.over('PushNotificationServiceAccessTokenUnavailable', this.#accountName);
    alarms.over('PushNotificationServiceClockSkew', this.#accountName);
    alarms.over('PushNotificationTopicRefused', this.#topicName(job));
    holds.release(this.#accountName);
    holds.release(`${this.#accountName} ${job.request.topic}`);
    this.#context.settle(job, {
      kind: 'accepted',
      apnsId: answer.apnsId ?? job.apnsId,
      queuedMs: sentAt - job.askedAt,
      answerMs: clock.monotonic() - sentAt,
      attempts: job.attempts,
    });
  }

  #refuse(job: Job, status: number, reason: string, reaction?: Reaction, answer?: ApnsAnswer): void {
    const at = answer?.timestamp;
    const { tokenRegisteredAt } = job.request;
    const renewedSince = at !== undefined && tokenRegisteredAt !== undefined && tokenRegisteredAt > at;
    const verdict = reaction?.token ?? 'keep';
    this.#context.settle(job, {
      kind: 'refused',
      ...(job.attempts > 0 ? { apnsId: job.apnsId } : {}),
      status,
      reason,
      token: verdict === 'dead' && renewedSince ? 'keep' : verdict,
      ...(at === undefined ? {} : { unregisteredAt: at }),
      attempts: job.attempts,
    });
  }

  #unreachable(job: Job, reason: string): void {
    this.serviceUnavailable(reason);
    this.#context.settle(job, { kind: 'unreachable', reason, attempts: job.attempts });
  }

  /** Raises the alarm that calls are lost because Apple can't be reached or has trouble. */
  serviceUnavailable(reason: string): void {
    if (reason.startsWith('TooMany')) return;
    this.#raise('PushNotificationServiceUnavailable', this.#options.host, reason);
  }

  #alarm(job: Job, reaction: Reaction, reason: string): void {
    if (job.repeated && reaction.account === 'renew') {
      this.#raise('PushNotificationServiceClockSkew', this.#accountName, reason);
    }
    // Trouble at Apple is told when it costs a push, or lasts.
    if (reaction.alarm === undefined || reaction.connection === 'count') return;
    const subject =
      reaction.topic === 'hold'
        ? this.#topicName(job)
        : reaction.alarm === 'PushNotificationServiceAccessTokenUnavailable'
          ? this.#accountName
          : `device ${job.request.ref.deviceId} ${tokenHash(job.request.token)}`;
    this.#raise(reaction.alarm, subject, reason);
  }

  #raise(name: Parameters<Alarms['raise']>[0], subject: string, reason: string): void {
    const words = reasonInWords(reason);
    const text = words ? `${words.meaning} ${words.advice}` : reason;
    this.#context.noteError(`${subject}: ${reason}`);
    this.#context.alarms.raise(name, subject, reason, text);
  }

  #holdAccount(reason: string): void {
    this.#context.holds.hold(this.#accountName, reason);
    this.#pool.retireAll(reason);
  }

  #onConnectFailed(why: string, failures: number): void {
    this.#context.counters.connectionsFailed++;
    this.#context.log.warn('no connection to APNs', { ...this.#fields, why, failures });
    this.#context.noteError(`${this.#options.host}: ${why}`);
    if (failures >= 3) this.#raise('PushNotificationServiceUnavailable', this.#options.host, 'NoConnection');
    this.#dropHopeless();
  }

  #onBreakerOpen(reaction: Reaction, news: boolean): void {
    if (news) this.#raise('PushNotificationServiceUnavailable', this.#options.host, reaction.reason);
    for (const job of [...this.#queue, ...this.#resends]) job.reason = reaction.reason;
    this.#dropHopeless();
  }

  #waitForBreaker(): void {
    const wait = this.#options.breaker.waitMs;
    if (this.#breakerTimer || wait <= 0) return;
    this.#breakerTimer = true;
    this.#context.clock.setTimeout(() => {
      this.#breakerTimer = false;
      this.pump();
    }, wait);
  }

  #dropHopeless(): void {
    for (const job of [...this.#resends, ...this.#queue]) this.#dropIfHopeless(job);
  }

  /** A push whose deadline comes before anything can be sent ends now: its call may have another way. */
  #dropIfHopeless(job: Job): void {
    const wait = Math.max(this.#pool.waitMs, this.#options.breaker.waitMs);
    if (wait <= 0 || this.#context.clock.now() + wait < job.request.deadline) return;
    this.remove(job);
    this.#unreachable(job, job.reason);
  }
}
