import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { PushEnvironment, PushOutcome, PushProvider, PushProviderStatus, PushRequest } from '../provider.js';
import { Alarms, type PushAlarm } from './alarms.js';
import { Breaker } from './breaker.js';
import { dial } from './connect.js';
import { Counters, type PushCounters } from './counters.js';
import { Deadlines } from './deadlines.js';
import { Holds } from './holds.js';
import { Job, type JobOwner } from './job.js';
import { type ApnsAccount, checkAccount, type SigningAccount } from './key.js';
import { Lane } from './lane.js';
import type { LaneContext } from './lane-context.js';
import {
  type ApnsProviderOptions,
  type ApnsTiming,
  BREAKER_THRESHOLD,
  defaultEndpoints,
  defaultTiming,
  MAX_STREAMS,
  type PushLog,
} from './options.js';
import { toMessage } from './request.js';
import { ApnsSession } from './session.js';
import { ProviderTokens } from './token.js';

/** Apple's push service over HTTP/2 with provider tokens. */
export class ApnsProvider implements PushProvider {
  readonly #options: ApnsProviderOptions;
  readonly #timing: ApnsTiming;
  #accounts: readonly SigningAccount[];
  readonly #alarms: Alarms;
  readonly #counters = new Counters();
  readonly #context: LaneContext;
  readonly #lanes = new Map<string, Lane>();
  /** By environment, team and topic, where only one key fits. */
  readonly #onlyLanes = new LRUCache<string, Lane>({ max: 1000 });
  /** The one of them that was asked for last. */
  #lastLane: (PushTarget & { readonly lane: Lane }) | undefined;
  /** Lanes of keys that are no longer configured, until their last push has ended. */
  readonly #retired = new Set<Lane>();
  readonly #tokens = new WeakMap<SigningAccount, ProviderTokens>();
  readonly #breakers = new Map<string, Breaker>();
  readonly #jobs: Deadlines<Job>;
  readonly #queueLimit: number;
  #lastError: { readonly at: number; readonly text: string } | undefined;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  /** @throws {ApnsKeyError} when an account's ids or key are wrong */
  constructor(options: ApnsProviderOptions) {
    const { clock } = options;
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#accounts = options.accounts.map(checkAccount);
    this.#queueLimit = options.queueLimit ?? 10_000;
    this.#jobs = new Deadlines(clock, (job) => job.owner.expire(job));
    const random = options.random ?? Math.random;
    const { log = silent } = options;
    this.#alarms = new Alarms(clock, (alarm) => {
      if (options.onAlarm) options.onAlarm(alarm);
      else log[alarm.state === 'raised' ? 'error' : 'info'](`push alarm ${alarm.state}`, { ...alarm });
    });
    this.#context = {
      clock,
      random,
      log,
      timing: this.#timing,
      alarms: this.#alarms,
      counters: this.#counters,
      holds: new Holds(clock, random, this.#timing.hold),
      settle: (job, outcome) => this.#settle(job, outcome),
      reroute: (job) => this.#reroute(job),
      noteError: (text) => {
        this.#lastError = { at: clock.now(), text };
      },
    };
  }

  push(request: PushRequest): Promise<PushOutcome> {
    this.#counters.requested++;
    const { clock } = this.#options;
    const left = request.deadline - clock.now();
    const refusal = this.#refusal(left);
    if (refusal) return Promise.resolve(this.#counted(refusal));
    const message = toMessage(request, randomUUID());
    if ('reason' in message) return Promise.resolve(this.#counted(refused(message.reason)));
    const last = this.#lastLane;
    const lane = last && isFor(last, request) ? last.lane : this.#laneFor(request, NONE);
    if (!lane) return Promise.resolve(this.#counted(refused('NoAccount')));
    return new Promise((resolve) => {
      const askedAt = clock.monotonic();
      const job = new Job(request, message, askedAt, askedAt + left, lane, resolve);
      this.#jobs.add(job);
      lane.add(job);
    });
  }

  status(): PushProviderStatus {
    const lanes = [...this.#lanes.values(), ...this.#retired];
    const inFlight = lanes.reduce((sum, lane) => sum + lane.inFlight, 0);
    return {
      provider: 'apns',
      queued: Math.max(0, this.#jobs.size - inFlight),
      inFlight,
      connections: lanes.flatMap((lane) => lane.sessions.map(({ host, state, streams }) => ({ host, state, streams }))),
      ...(this.#lastError ? { lastError: this.#lastError } : {}),
    };
  }

  /** Totals since the start. */
  counters(): PushCounters {
    return this.#counters.read();
  }

  /** Alarms that were raised and aren't over. */
  get alarms(): readonly PushAlarm[] {
    return this.#alarms.active;
  }

  /**
   * Takes other keys from now on. Pushes under way end with the key they began with; where a team has several fitting keys, the
   * first that Apple takes is used, and an untried one gets one push at a time until Apple has taken it.
   * @throws {ApnsKeyError} when an account's ids or key are wrong; then nothing changes
   */
  setAccounts(accounts: readonly ApnsAccount[]): void {
    this.#accounts = accounts.map((account) => {
      const checked = checkAccount(account);
      return this.#accounts.find((known) => isSame(known, checked)) ?? checked;
    });
    this.#onlyLanes.clear();
    this.#lastLane = undefined;
    for (const [key, lane] of this.#lanes) {
      if (this.#accounts.includes(lane.account)) continue;
      this.#lanes.delete(key);
      this.#retired.add(lane);
    }
    this.#closeRetired();
  }

  /** Opens a connection for a team before the first push needs it, and again when one has ended. */
  warm(teamId: string, environment: PushEnvironment): void {
    const account = this.#accounts.find((known) => known.teamId === teamId && serves(known, environment));
    if (account && !this.#closing) this.#lane(account, environment).warm();
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    if (this.#jobs.size > 0) {
      const timer = this.#options.clock.setTimeout(() => this.#abandon(), this.#timing.closeMs);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      timer.cancel();
    }
    for (const lane of [...this.#lanes.values(), ...this.#retired]) lane.close();
    this.#retired.clear();
    this.#jobs.stop();
  }

  #abandon(): void {
    for (const job of [...this.#jobs]) {
      const { attempt, attempts } = job;
      job.owner.remove(job);
      this.#settle(job, { kind: 'unreachable', reason: 'Closed', attempts });
      attempt?.giveUp('deadline');
    }
  }

  #refusal(left: number): PushOutcome | undefined {
    if (this.#closing) return refused('Closed');
    if (this.#jobs.size >= this.#queueLimit) return refused('QueueFull');
    return left > 0 ? undefined : { kind: 'unreachable', reason: 'Deadline', attempts: 0 };
  }

  #counted(outcome: PushOutcome): PushOutcome {
    this.#counters.ended(outcome);
    return outcome;
  }

  #settle(job: Job, outcome: PushOutcome): void {
    if (!job.settle(outcome)) return;
    this.#jobs.remove(job);
    this.#counters.ended(outcome);
    if (this.#retired.size > 0) this.#closeRetired();
    if (this.#jobs.size === 0) this.#idle?.();
  }

  #reroute(job: Job): boolean {
    if (this.#closing) return false;
    const lane = this.#laneFor({ ...job, topic: job.message.topic }, job.tried);
    if (!lane) return false;
    job.tried = [...job.tried, lane.account];
    job.owner = lane;
    if (this.#retired.size > 0) this.#closeRetired();
    lane.add(job);
    return true;
  }

  #closeRetired(): void {
    const used = new Set<JobOwner>();
    for (const { owner } of this.#jobs) used.add(owner);
    for (const lane of this.#retired) {
      if (used.has(lane)) continue;
      this.#retired.delete(lane);
      lane.close();
    }
  }

  /** The lane of the best key for a push: the most specific, in the configured order, that Apple takes. */
  #laneFor({ environment, teamId, topic }: PushTarget, tried: readonly SigningAccount[]): Lane | undefined {
    const name = `${environment} ${teamId} ${topic}`;
    const only = tried.length === 0 ? this.#onlyLanes.get(name) : undefined;
    if (only) {
      this.#lastLane = { environment, teamId, topic, lane: only };
      return only;
    }
    const fitting = this.#accounts.filter(
      (account) =>
        account.teamId === teamId && covers(account, topic) && serves(account, environment) && !tried.includes(account),
    );
    if (fitting.length > 1) fitting.sort((a, b) => specificity(b) - specificity(a));
    const [first, ...others] = fitting.map((account) => this.#lane(account, environment));
    if (first && others.length === 0 && tried.length === 0) this.#onlyLanes.set(name, first);
    if (!first || others.length === 0) return first;
    const [best, ...rest] = [first, ...others].filter((lane) => lane.heldReason === undefined);
    if (!best || best.proven || best.idle) return best ?? first;
    return rest.find((lane) => lane.proven) ?? best;
  }

  #lane(account: SigningAccount, environment: PushEnvironment): Lane {
    const scope = account.bundleIds?.join() ?? '';
    const key = `${account.teamId} ${account.keyId} ${scope} ${environment}`;
    const existing = this.#lanes.get(key);
    if (existing) return existing;
    const { clock, ca, connections, endpoints, proxy, onCertificate } = this.#options;
    const endpoint = endpoints?.[environment] ?? defaultEndpoints[environment];
    const lane = new Lane(this.#context, {
      account,
      tokens: this.#tokensOf(account),
      environment,
      host: endpoint.host,
      breaker: this.#breaker(`${endpoint.host}:${endpoint.port}`),
      connections: connections ?? 2,
      open: (turn, events) =>
        new ApnsSession({
          clock,
          endpoint,
          dial: () =>
            dial({
              endpoint,
              turn,
              ...(ca === undefined ? {} : { ca }),
              ...(proxy && { proxy }),
              ...(onCertificate && { onCertificate }),
            }),
          timing: this.#timing,
          maxStreams: MAX_STREAMS,
          ...events,
        }),
    });
    this.#lanes.set(key, lane);
    return lane;
  }

  #tokensOf(account: SigningAccount): ProviderTokens {
    const { clock, sharedTokens } = this.#options;
    const tokens = this.#tokens.get(account) ?? new ProviderTokens(account, clock, sharedTokens);
    this.#tokens.set(account, tokens);
    return tokens;
  }

  #breaker(host: string): Breaker {
    const existing = this.#breakers.get(host);
    if (existing) return existing;
    const breaker = new Breaker(this.#context.clock, this.#context.random, BREAKER_THRESHOLD, this.#timing.breaker);
    this.#breakers.set(host, breaker);
    return breaker;
  }
}

type PushTarget = Pick<PushRequest, 'environment' | 'teamId' | 'topic'>;

const isFor = (a: PushTarget, b: PushTarget): boolean =>
  a.topic === b.topic && a.teamId === b.teamId && a.environment === b.environment;

const NONE: readonly SigningAccount[] = [];

const silent: PushLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const covers = ({ bundleIds }: SigningAccount, topic: string): boolean =>
  bundleIds?.some((id) => topic === id || topic.startsWith(`${id}.`)) ?? true;

const serves = ({ environments }: SigningAccount, environment: PushEnvironment): boolean =>
  environments?.includes(environment) ?? true;

const specificity = ({ bundleIds, environments }: SigningAccount): number =>
  (bundleIds ? 2 : 0) + (environments ? 1 : 0);

function isSame(a: SigningAccount, b: SigningAccount): boolean {
  const scope = ({ bundleIds, environments, keyId, teamId }: SigningAccount) =>
    JSON.stringify([teamId, keyId, bundleIds, environments]);
  return scope(a) === scope(b) && a.key.equals(b.key);
}

function refused(reason: string): PushOutcome {
  return { kind: 'refused', status: 0, reason, token: reason === 'BadDeviceToken' ? 'dead' : 'keep', attempts: 0 };
}
