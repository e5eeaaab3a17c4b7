import type { Clock } from './clock/clock.js';
import { PushBudget } from './cluster/push-budget.js';
import type { Config } from './config/schema.js';
import { Guard } from './guard/guard.js';
import type { Logger } from './log/logger.js';
import type { AlarmBoard } from './ops/alarms/board.js';
import { GuardAlarms } from './ops/alarms/guard.js';
import type { RedisStore } from './store/redis/redis-store.js';

/** A request that was refused, as its handler tells it. */
export interface RefusedRequest {
  readonly source: string;
  readonly aor?: string;
  readonly uri?: string;
  readonly status: number;
  readonly reason: string;
  /** Where the reason phrase doesn't tell. */
  readonly why?: string;
}

export interface OpenGuard {
  readonly guard: Guard;
  /** Counts a refused request, and writes it to the log as that event if there are not too many. */
  readonly refused: (event: string, method: string, request: RefusedRequest) => void;
  close(): void;
}

interface GuardParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly alarms: AlarmBoard;
  /** Where nodes of a site count together. */
  readonly redis?: RedisStore | undefined;
}

/** The guard that the configuration describes; what it refuses is in the log and among the alarms. */
export function openGuard({ limits }: Pick<Config, 'limits'>, { clock, log, alarms, redis }: GuardParts): OpenGuard {
  const shared = redis && new PushBudget(redis, limits.pushes.perDevice);
  const board = new GuardAlarms(alarms, clock);
  const guard: Guard = new Guard({
    settings: limits,
    clock,
    sharedDevicePushes: shared && ((device) => shared.take(device)),
    onTold: (refusal, untold) => log.warn('push refused', { ...refusal, ...(untold > 0 && { untold }) }),
    onBudget: (budget, subject) => board.budget(budget, subject),
    onBanned: (ban) => {
      log.warn('banned', { ...ban });
      board.banned(ban, guard.bans);
    },
  });
  return {
    guard,
    refused: (event, method, request) => {
      const { source, status, reason, why, aor, uri } = request;
      const about = aor ?? uri;
      const refusal = {
        what: method,
        reason: why ?? reason,
        source,
        status,
        ...(about === undefined ? {} : { about }),
      };
      const untold = guard.refusals.note(refusal);
      if (untold !== undefined) log.warn(event, { ...request, ...(untold > 0 && { untold }) });
    },
    close: () => board.close(),
  };
}
