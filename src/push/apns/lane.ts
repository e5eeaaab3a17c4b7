import type { Timer } from '../../clock/clock.js';
import { readAnswer, readApnsId } from './answer.js';
import type { Pass } from './breaker.js';
import { type Answered, Consequences } from './consequences.js';
import type { Job, JobOwner } from './job.js';
import type { SigningAccount } from './key.js';
import { type LaneContext, type LaneOptions, raise, Subjects } from './lane-context.js';
import { ApnsPool } from './pool.js';
import { reactionTo } from './reactions.js';
import type { ApnsSession, AttemptEnd } from './session.js';
import type { ProviderToken, ProviderTokens } from './token.js';

/** Attempts that Apple didn't look at cost nothing, but something is wrong if there are so many. */
const MAX_ATTEMPTS = 20;
/** So many of them are repeated at once, those after with a pause. */
const AT_ONCE = 5;
const PAUSE_MS = 250;
/** Failures to connect in a row before the operator is told. */
const TELL_AFTER = 3;

/** The way of one account's pushes to one environment: queue, connections, and what becomes of each attempt. */
export class Lane implements JobOwner {
  readonly #context: LaneContext;
  readonly #options: LaneOptions;
  readonly #subjects: Subjects;
  readonly #pool: ApnsPool;
  readonly #tokens: ProviderTokens;
  readonly #consequences: Consequences;
  /** Pushes to send again go before new ones. Sets keep the order, and a job that ends leaves from anywhere. */
  readonly #resends = new Set<Job>();
  readonly #queue = new Set<Job>();
  #pumping = false;
  #breakerTimer: Timer | undefined;
  readonly #resume = (): void => this.pump();
  #inFlight = 0;
  #proven = false;

  constructor(context: LaneContext, options: LaneOptions) {
    this.#context = context;
    this.#options = options;
    this.alone = [options.account];
    this.#subjects = new Subjects(options);
    this.#tokens = options.tokens;
    const where = { account: this.#subjects.account, host: options.host };
    this.#pool = new ApnsPool({
      clock: context.clock,
      random: context.random,
      size: options.connections,
      backOff: context.timing.reconnect,
      openings: context.timing.openings,
      open: options.open,
      onChange: () => this.pump(),
      onOpened: () => {
        context.counters.connectionsOpened++;
        context.log.info('connected to APNs', where);
      },
      onFailed: (why, failures) => {
        context.log.warn('no connection to APNs', { ...where, why, failures });
        this.#onConnectFailed(why, failures);
      },
      onGoaway: (reason) => {
        context.counters.goaways++;
        context.log.info('APNs closes a connection', { ...where, reason });
      },
    });
    this.#consequences = new Consequences(context, this.#subjects, this.#pool, this.#tokens);
  }

  /** Attempts under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Apple took its key at the last answer that told. */
  get proven(): boolean {
    return this.#proven;
  }

  get account(): SigningAccount {
    return this.#options.account;
  }

  /** Its key as the only one. */
  readonly alone: readonly SigningAccount[];

  /** Nothing is under way or waiting for a connection. */
  get idle(): boolean {
    return this.#inFlight === 0 && this.#isQueueEmpty;
  }

  get #isQueueEmpty(): boolean {
    return this.#queue.size === 0 && this.#resends.size === 0;
  }

  /** Why Apple takes nothing of this account now, or undefined. */
  get heldReason(): string | undefined {
    return this.#context.holds.reasonFor(this.#subjects.account);
  }

  get sessions(): readonly ApnsSession[] {
    return this.#pool.sessions;
  }

  /** Takes a new push. */
  add(job: Job): void {
    const wait = this.#consequences.deviceWait(job.message.token);
    if (wait > 0) {
      job.reason = 'TooManyRequests';
      this.#later(job, wait);
      return;
    }
    // The usual way, past the queue.
    if (this.#isQueueEmpty && !this.#pumping && this.#trySend(job)) return;
    this.#enqueue(job, this.#queue);
  }

  /** Takes a push that has ended out of the lane. */
  remove(job: Job): void {
    this.#queue.delete(job);
    this.#resends.delete(job);
  }

  /** Ends a push that ran out of time. */
  expire(job: Job): void {
    this.remove(job);
    const { attempt } = job;
    const connected = this.#pool.sessions.some(({ state }) => state !== 'connecting');
    this.#unreachable(job, job.reason === 'NoConnection' && connected ? 'Deadline' : job.reason);
    attempt?.giveUp('deadline');
  }

  /** Sends what can be sent now. */
  pump(): void {
    if (this.#pumping || this.#isQueueEmpty) return;
    this.#pumping = true;
    try {
      for (let job = this.#next(); job; job = this.#next()) if (!this.#trySend(job)) break;
    } finally {
      this.#pumping = false;
    }
  }

  /** Opens a connection before there is a push, and again when a useful one has ended. */
  warm(): void {
    this.#pool.keepWarm();
  }

  close(): void {
    this.#breakerTimer?.cancel();
    this.#pool.close();
  }

  #next(): Job | undefined {
    const queue = this.#resends.size > 0 ? this.#resends : this.#queue;
    return queue.values().next().value;
  }

  #enqueue(job: Job, queue: Set<Job>): void {
    queue.add(job);
    this.pump();
    if (queue.has(job)) this.#dropIfHopeless(job);
  }

  #again(job: Job): void {
    this.#enqueue(job, this.#resends);
  }

  #later(job: Job, ms: number): void {
    job.delay = this.#context.clock.setTimeout(() => this.#again(job), ms);
  }

  /** False when nothing can be sent now. */
  #trySend(job: Job): boolean {
    const held = this.#consequences.heldReason(job.message.topic);
    if (held) {
      this.remove(job);
      if (this.#context.reroute(job)) return true;
      const { attempts } = job;
      this.#context.settle(job, { kind: 'refused', status: 0, reason: held, token: 'keep', attempts });
      return true;
    }
    const session = this.#pool.pick(job.avoid);
    if (!session) {
      if (this.#options.breaker.waitMs === 0) this.#pool.demand();
      else this.#waitForBreaker();
      return false;
    }
    const token = this.#tokens.forConnection(session.token);
    if (!token) {
      this.#tokens.whenReady(this.#resume);
      return false;
    }
    const pass = this.#options.breaker.enter();
    if (!pass) {
      this.#waitForBreaker();
      return false;
    }
    if (!this.#isQueueEmpty) this.remove(job);
    if (job.stillWanted) this.#attempt(job, session, token, pass);
    else {
      pass.neutral();
      this.#context.settle(job, { kind: 'withdrawn', attempts: job.attempts });
    }
    return true;
  }

  #attempt(job: Job, session: ApnsSession, token: ProviderToken, pass: Pass): void {
    const sentAt = this.#context.clock.monotonic();
    job.attempts++;
    this.#context.counters.attempts++;
    this.#inFlight++;
    job.attempt = session.send(job.message, token, sentAt, job.leave, (end) => {
      this.#inFlight--;
      job.attempt = undefined;
      if (end.kind === 'answer' && end.status === 200) {
        this.#pool.useful(session);
        this.#proven = true;
        pass.ok();
        const apnsId = readApnsId(end.headers.get('apns-id'));
        this.#context.settle(job, this.#consequences.accepted(job, sentAt, end.at, apnsId));
        return;
      }
      if (end.kind === 'answer') {
        const answer = readAnswer(end.status, end.headers, end.body, this.#context.clock.now());
        this.#onAnswer({ job, session, token, sentAt, answer }, pass);
        return;
      }
      if (end.kind === 'unknown' && end.cause === 'no answer') this.#hostFailed(pass, 'NoAnswer');
      else pass.neutral();
      this.#onUnanswered(job, session, end);
    });
  }

  #onAnswer(answered: Answered, pass: Pass): void {
    const { job, session, answer } = answered;
    this.#pool.useful(session);
    const reaction = reactionTo(answer.status, answer.reason);
    this.#proven = reaction.account === 'keep';
    if (reaction.connection === 'count') this.#hostFailed(pass, answer.reason || 'ServiceUnavailable');
    else pass.ok();
    const next = this.#consequences.of(answered, reaction);
    if (job.settled) return;
    const keyRefused = reaction.account === 'hold' || reaction.topic === 'hold';
    if (keyRefused && next.step === 'end' && this.#context.reroute(job)) return;
    if (next.step === 'again') this.#again(job);
    else if (next.step === 'later') this.#later(job, next.ms);
    else if (next.outcome.kind === 'unreachable') this.#unreachable(job, next.outcome.reason);
    else this.#context.settle(job, next.outcome);
  }

  #onUnanswered(job: Job, session: ApnsSession, end: Exclude<AttemptEnd, { kind: 'answer' }>): void {
    const { counters, log } = this.#context;
    const { ref } = job;
    log.info('a push got no answer', { ...ref, account: this.#subjects.account, fate: end.kind, why: end.why });
    if (end.kind === 'unknown') {
      counters.unanswered++;
      job.unknown++;
      job.reason = end.cause === 'lost' ? 'ConnectionLost' : 'NoAnswer';
    } else if (job.unknown === 0) job.reason = 'NotProcessed';
    job.avoid = session;
    if (end.kind === 'unknown' && (end.cause === 'lost' || end.cause === 'no answer')) this.#pool.check(session);
    if (job.settled) return;
    if (job.unknown > 1 || job.attempts >= MAX_ATTEMPTS) this.#unreachable(job, job.reason);
    else if (job.attempts < AT_ONCE) this.#again(job);
    else this.#later(job, PAUSE_MS * (job.attempts - AT_ONCE + 1));
  }

  #hostFailed(pass: Pass, reason: string): void {
    const { breaker, host } = this.#options;
    const before = breaker.isOpen;
    pass.failed();
    if (!breaker.isOpen) return;
    if (!before) raise(this.#context, 'PushNotificationServiceUnavailable', host, reason);
    for (const job of [...this.#resends, ...this.#queue]) job.reason = reason;
    this.#dropHopeless();
  }

  #unreachable(job: Job, reason: string): void {
    // A device or an account that is asked to slow down says nothing about the service.
    if (!reason.startsWith('TooMany')) {
      raise(this.#context, 'PushNotificationServiceUnavailable', this.#subjects.host, reason);
    }
    this.#context.settle(job, { kind: 'unreachable', reason, attempts: job.attempts });
  }

  #onConnectFailed(why: string, failures: number): void {
    this.#context.counters.connectionsFailed++;
    this.#context.noteError(`${this.#options.host}: ${why}`);
    if (failures >= TELL_AFTER) {
      raise(this.#context, 'PushNotificationServiceUnavailable', this.#options.host, 'NoConnection');
    }
    this.#dropHopeless();
  }

  #waitForBreaker(): void {
    const wait = this.#options.breaker.waitMs;
    if (this.#breakerTimer || wait <= 0) return;
    this.#breakerTimer = this.#context.clock.setTimeout(() => {
      this.#breakerTimer = undefined;
      this.pump();
    }, Math.ceil(wait));
    this.#dropHopeless();
  }

  #dropHopeless(): void {
    for (const job of [...this.#resends, ...this.#queue]) this.#dropIfHopeless(job);
  }

  /** A push whose deadline comes before anything can be sent ends now: its call may have another way. */
  #dropIfHopeless(job: Job): void {
    const wait = Math.max(this.#pool.waitMs, this.#options.breaker.waitMs);
    if (wait <= 0 || this.#context.clock.now() + wait < job.deadline) return;
    this.remove(job);
    this.#unreachable(job, job.reason);
  }
}
