import { randomUUID } from 'node:crypto';
import type { PushEnvironment, PushOutcome, PushProvider, PushProviderStatus, PushRequest } from '../provider.js';
import { Alarms, type PushAlarm } from './alarms.js';
import { Breaker } from './breaker.js';
import { dial } from './connect.js';
import { Counters, type PushCounters } from './counters.js';
import { Holds } from './holds.js';
import { Job } from './job.js';
import { checkAccount, type SigningAccount } from './key.js';
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

/** Apple's push service over HTTP/2 with provider tokens. */
export class ApnsProvider implements PushProvider {
  readonly #options: ApnsProviderOptions;
  readonly #timing: ApnsTiming;
  readonly #accounts: readonly SigningAccount[];
  readonly #alarms: Alarms;
  readonly #counters = new Counters();
  readonly #context: LaneContext;
  readonly #lanes = new Map<string, Lane>();
  readonly #breakers = new Map<string, Breaker>();
  readonly #jobs = new Map<Job, Lane>();
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
    const random = options.random ?? Math.random;
    const { log = silent } = options;
    this.#alarms = new Alarms(clock, (alarm) => {
      log[alarm.state === 'raised' ? 'error' : 'info'](`push alarm ${alarm.state}`, { ...alarm });
      options.onAlarm?.(alarm);
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
      noteError: (text) => {
        this.#lastError = { at: clock.now(), text };
      },
    };
  }

  push(request: PushRequest): Promise<PushOutcome> {
    this.#counters.requested++;
    const refusal = this.#refusal(request);
    if (refusal) return Promise.resolve(this.#counted(refusal));
    const apnsId = randomUUID();
    const message = toMessage(request, apnsId);
    if ('reason' in message) return Promise.resolve(this.#counted(refused(message.reason)));
    const account = this.#accountFor(request);
    if (!account) return Promise.resolve(this.#counted(refused('NoAccount')));
    const lane = this.#lane(account, request.environment);
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const job = new Job(request, apnsId, message, clock.monotonic(), resolve);
      this.#jobs.set(job, lane);
      job.deadline = clock.setTimeout(() => lane.expire(job), request.deadline - clock.now());
      lane.add(job);
    });
  }

  status(): PushProviderStatus {
    const lanes = [...this.#lanes.values()];
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

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    if (this.#jobs.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    for (const lane of this.#lanes.values()) lane.close();
  }

  #refusal(request: PushRequest): PushOutcome | undefined {
    if (this.#closing) return refused('Closed');
    if (this.#jobs.size >= this.#queueLimit) return refused('QueueFull');
    if (!(request.deadline > this.#options.clock.now()))
      return { kind: 'unreachable', reason: 'Deadline', attempts: 0 };
    return undefined;
  }

  #counted(outcome: PushOutcome): PushOutcome {
    this.#counters.ended(outcome);
    return outcome;
  }

  #settle(job: Job, outcome: PushOutcome): void {
    if (!job.settle(outcome)) return;
    this.#jobs.delete(job);
    this.#counters.ended(outcome);
    if (this.#jobs.size === 0) this.#idle?.();
  }

  /** The most specific of the team's keys. */
  #accountFor(request: PushRequest): SigningAccount | undefined {
    const fitting = this.#accounts.filter(
      ({ teamId, bundleIds, environments }) =>
        teamId === request.teamId &&
        (bundleIds?.some((id) => request.topic === id || request.topic.startsWith(`${id}.`)) ?? true) &&
        (environments?.includes(request.environment) ?? true),
    );
    const weight = (account: SigningAccount) => (account.bundleIds ? 2 : 0) + (account.environments ? 1 : 0);
    return fitting.sort((a, b) => weight(b) - weight(a))[0];
  }

  #lane(account: SigningAccount, environment: PushEnvironment): Lane {
    const key = `${account.teamId} ${account.keyId} ${environment}`;
    const existing = this.#lanes.get(key);
    if (existing) return existing;
    const { clock, ca, connections, endpoints, proxy } = this.#options;
    const endpoint = endpoints?.[environment] ?? defaultEndpoints[environment];
    const lane = new Lane(this.#context, {
      account,
      environment,
      host: endpoint.host,
      breaker: this.#breaker(`${endpoint.host}:${endpoint.port}`),
      connections: connections ?? 2,
      open: (turn, events) =>
        new ApnsSession({
          clock,
          endpoint,
          dial: () => dial({ endpoint, turn, ...(ca === undefined ? {} : { ca }), ...(proxy ? { proxy } : {}) }),
          timing: this.#timing,
          maxStreams: MAX_STREAMS,
          ...events,
        }),
    });
    this.#lanes.set(key, lane);
    return lane;
  }

  #breaker(host: string): Breaker {
    const existing = this.#breakers.get(host);
    if (existing) return existing;
    const breaker = new Breaker(this.#context.clock, this.#context.random, BREAKER_THRESHOLD, this.#timing.breaker);
    this.#breakers.set(host, breaker);
    return breaker;
  }
}

const silent: PushLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function refused(reason: string): PushOutcome {
  return { kind: 'refused', status: 0, reason, token: reason === 'BadDeviceToken' ? 'dead' : 'keep', attempts: 0 };
}
