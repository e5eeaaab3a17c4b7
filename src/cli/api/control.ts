import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLevel } from '../../log/logger.js';
import type { Overview } from '../../ops/http/overview.js';
import { CliError } from '../exit.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { json } from './text.js';

export interface DrainOptions extends ReportOptions {
  /** Take new calls again. */
  readonly undo?: boolean;
  /** Wait until no call waits for an answer any more, at most so many milliseconds. */
  readonly wait?: number;
  /** With `wait`: until no call is up either. */
  readonly up?: boolean;
}

interface DrainState {
  readonly draining: boolean;
  /** Calls that wait for an answer. */
  readonly waiting: number;
  /** Calls that were answered and go on. */
  readonly up: number;
}

const LOOK = 500;

/** `callwake drain`: no new calls from now on; with `wait` it ends when the process may be stopped. Exit code 1 when there are still calls. */
export async function runDrain(options: DrainOptions, { env, write, end }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['operations:write', 'status:read']);
  await client.send(options.undo ? 'DELETE' : 'POST', '/v1/drain');
  let state = await drainState(client);
  if (options.wait !== undefined && !options.undo) {
    const left = (): number => state.waiting + (options.up ? state.up : 0);
    const until = performance.now() + options.wait;
    while (left() > 0 && state.draining && performance.now() < until) {
      await sleep(LOOK);
      state = await drainState(client);
    }
    if (!state.draining) throw new CliError('Somebody ended the drain: new calls are taken again.', 1);
    if (left() > 0) end(1);
  }
  write(options.json ? json(state) : drainText(state));
}

async function drainState(client: ApiClient): Promise<DrainState> {
  const { draining, waiting } = await client.get<Omit<DrainState, 'up'>>('/v1/drain');
  const { calls } = await client.get<Overview>('/v1/overview');
  return { draining, waiting, up: calls.up };
}

function drainText({ draining, waiting, up }: DrainState): string {
  if (!draining) return 'New calls are taken.\n';
  const left = `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for an answer, ${up} ${up === 1 ? 'is' : 'are'} up`;
  return `No new calls are taken; ${left}.${waiting + up === 0 ? ' callwake may be stopped.' : ''}\n`;
}

/** `callwake log-level [level]`: shows it, or sets it until the process ends. */
export async function runLogLevel(
  level: LogLevel | undefined,
  options: ReportOptions,
  { env, write }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['operations:write', 'status:read']);
  const answer =
    level === undefined
      ? await client.get<{ level: LogLevel }>('/v1/log-level')
      : await client.send<{ level: LogLevel }>('PUT', '/v1/log-level', { level });
  write(options.json ? json(answer) : `${answer.level}\n`);
}
