import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLevel } from '../../log/logger.js';
import { CliError } from '../exit.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { json } from './text.js';

export interface DrainOptions extends ReportOptions {
  /** Take new calls again. */
  readonly undo?: boolean;
  /** Wait until no call waits for an answer any more, at most so many milliseconds. */
  readonly wait?: number;
}

interface DrainState {
  readonly draining: boolean;
  readonly waiting: number;
}

const LOOK = 500;

/** `callwake drain`: no new calls from now on; with `wait` it ends when the process may be stopped. Exit code 1 when calls wait on. */
export async function runDrain(options: DrainOptions, { env, write, end }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['operations:write', 'status:read']);
  let state = await client.send<DrainState>(options.undo ? 'DELETE' : 'POST', '/v1/drain');
  if (options.wait !== undefined && !options.undo) {
    const until = performance.now() + options.wait;
    while (state.waiting > 0 && state.draining && performance.now() < until) {
      await sleep(LOOK);
      state = await client.get<DrainState>('/v1/drain');
    }
    if (state.waiting > 0) end(1);
    if (!state.draining) throw new CliError('Somebody ended the drain: new calls are taken again.', 1);
  }
  write(options.json ? json(state) : drainText(state));
}

function drainText({ draining, waiting }: DrainState): string {
  if (!draining) return 'New calls are taken.\n';
  return waiting === 0
    ? 'No new calls are taken, and none waits for an answer: callwake may be stopped.\n'
    : `No new calls are taken; ${waiting} ${waiting === 1 ? 'waits' : 'wait'} for an answer.\n`;
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
