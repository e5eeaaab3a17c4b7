import { setTimeout as sleep } from 'node:timers/promises';
import type { CallView } from '../../ops/http/calls.js';
import { findLoggedCalls } from '../../ops/timeline/read-calls.js';
import type { CallFilter } from '../../ops/timeline/recorder.js';
import { ApiAway, ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { durationOr, instant, json, table } from './text.js';

export interface CallsOptions extends ReportOptions {
  readonly text?: string;
  readonly state?: 'held' | 'ringing' | 'up' | 'over';
  readonly reason?: string;
  /** Milliseconds back from now. */
  readonly since?: number;
  readonly limit: number;
  /** Go on with what changes, until interrupted. */
  readonly follow?: boolean;
  /** Read files there instead of asking a callwake that runs. */
  readonly folder?: string;
}

/** A stream that broke is asked for again after so long. */
const AGAIN = 2000;
/** Changes are looked at together, so often. */
const GATHER = 300;

const HEADINGS = ['when', 'from', 'to', 'state', 'woke in', 'rang after', 'pushes', 'call'];

/** `callwake calls`: the newest calls that fit, or with `follow` each as it changes. */
export async function runCalls(options: CallsOptions, context: CommandContext): Promise<void> {
  const { env, write } = context;
  if (options.folder !== undefined) {
    const { calls, total } = await findLoggedCalls(options.folder, filterOf(options), options.limit);
    return write(options.json ? json({ calls, total }) : listText(calls, total));
  }
  const client = ApiClient.open(options, env, ['calls:read']);
  if (options.follow) return follow(client, options, context);
  const answer = await listed(client, options);
  write(options.json ? json(answer) : listText(answer.calls, answer.total));
}

interface Listed {
  readonly calls: readonly CallView[];
  readonly total: number;
}

function filterOf({ text, state, reason, since }: CallsOptions): CallFilter {
  return {
    ...(text === undefined ? {} : { text }),
    ...(state === undefined ? {} : { state }),
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { since: Date.now() - since }),
  };
}

function listed(client: ApiClient, options: CallsOptions): Promise<Listed> {
  const query = new URLSearchParams({ limit: String(options.limit) });
  for (const [name, value] of Object.entries(filterOf(options))) query.set(name, String(value));
  return client.get<Listed>(`/v1/calls?${query}`);
}

function listText(calls: readonly CallView[], total: number): string {
  if (calls.length === 0) return 'No calls.\n';
  const more = total > calls.length ? `${total - calls.length} older ones are not shown; --limit shows more.\n` : '';
  return table(HEADINGS, calls.map(row)) + more;
}

function row(call: CallView): string[] {
  const { startedAt, caller = 'unknown', called = 'unknown', state, reason, status, pushes } = call;
  return [
    instant(startedAt),
    short(caller),
    short(called),
    state === 'over' ? `${reason ?? 'over'}${status === undefined ? '' : ` (${status})`}` : state,
    durationOr(call.wakeTook, '-'),
    durationOr(call.ringingAfter, '-'),
    String(pushes),
    call.callUuid,
  ];
}

const short = (address: string): string => address.replace(/^sips?:/, '').replace(/@.*$/, '');

/** Prints a line for each call that fits, and again when its state changes. Ends when the API refuses; a stream that breaks is taken up again. */
async function follow(client: ApiClient, options: CallsOptions, { write }: CommandContext): Promise<never> {
  const shown = new Map<string, string>();
  const print = async (): Promise<void> => {
    const { calls } = await listed(client, options);
    const now = new Set(calls.map(({ callUuid }) => callUuid));
    for (const known of shown.keys()) if (!now.has(known)) shown.delete(known);
    for (const call of calls.toReversed()) {
      const line = followed(call);
      if (shown.get(call.callUuid) === line) continue;
      shown.set(call.callUuid, line);
      write(options.json ? `${JSON.stringify(call)}\n` : line);
    }
  };
  if (!options.json) write(`${HEADINGS.map((name, column) => name.padEnd(WIDTHS[column] ?? 0)).join('  ')}\n`);
  let connected = false;
  for (;;) {
    try {
      const stream = client.events('/v1/events');
      let next = stream.next();
      next.catch(() => undefined);
      await print();
      connected = true;
      for (;;) {
        if ((await next).done) break;
        next = stream.next();
        next.catch(() => undefined);
        await sleep(GATHER);
        await print();
      }
    } catch (error) {
      if (!connected || !(error instanceof ApiAway)) throw error;
    }
    process.stderr.write(`The connection broke; trying again.\n`);
    await sleep(AGAIN);
  }
}

const WIDTHS = [20, 12, 12, 18, 8, 10, 6, 0];

const followed = (call: CallView): string =>
  table(
    WIDTHS.map((width) => ' '.repeat(width)),
    [row(call)],
  ).replace(/^.*\n/, '');
