import type { Clock } from '../../clock/clock.js';
import type { PushEnvironment, PushOutcome } from '../provider.js';
import type { AlarmName, Alarms } from './alarms.js';
import type { Random } from './back-off.js';
import type { Breaker } from './breaker.js';
import type { Counters } from './counters.js';
import type { Holds } from './holds.js';
import type { Job } from './job.js';
import type { SigningAccount } from './key.js';
import type { ApnsTiming, PushLog } from './options.js';
import type { PoolOptions } from './pool.js';
import { reasonInWords } from './reactions.js';
import type { ProviderTokens } from './token.js';

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
  readonly settle: (job: Job, outcome: PushOutcome) => void;
  /** Gives a job that Apple doesn't take with this key to another key's lane; false if there is none left to try. */
  readonly reroute: (job: Job) => boolean;
  readonly noteError: (text: string) => void;
}

/** Whose pushes a lane carries, and where to. */
export interface LaneOptions {
  readonly account: SigningAccount;
  readonly tokens: ProviderTokens;
  readonly environment: PushEnvironment;
  readonly host: string;
  readonly breaker: Breaker;
  readonly connections: number;
  readonly open: PoolOptions['open'];
}

/** The names of what a lane's alarms and holds are about. */
export class Subjects {
  readonly host: string;
  readonly account: string;
  readonly #environment: PushEnvironment;

  constructor({ account, environment, host }: LaneOptions) {
    this.host = host;
    this.account = `${account.teamId}/${account.keyId} ${environment}`;
    this.#environment = environment;
  }

  topic(topic: string): string {
    return `${topic} ${this.#environment}`;
  }
}

/** Tells an alarm with what its reason means. */
export function raise(context: LaneContext, name: AlarmName, subject: string, reason: string, text?: string): void {
  const words = reasonInWords(reason);
  context.noteError(`${subject}: ${reason}`);
  context.alarms.raise(name, subject, reason, text ?? (words ? `${words.meaning} ${words.advice}` : reason));
}
