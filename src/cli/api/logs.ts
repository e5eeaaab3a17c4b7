import { setTimeout as sleep } from 'node:timers/promises';
import { lineText } from '../../log/logger.js';
import type { LogEntry } from '../../log/recent.js';
import { ApiAway, ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { clean } from './text.js';

export interface LogsOptions extends ReportOptions {
  readonly level?: 'debug' | 'info' | 'warn' | 'error';
  readonly text?: string;
  /** A call's UUID. */
  readonly call?: string;
  /** Milliseconds back from now. */
  readonly since?: number;
  readonly limit: number;
  /** Go on with what comes, until interrupted. */
  readonly follow?: boolean;
}

/** A stream that broke is asked for again after so long. */
const AGAIN = 2000;

/** `callwake logs`: the latest lines that fit, and with `follow` those that come. With `json` a line of JSON each. */
export async function runLogs(options: LogsOptions, { env, write }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['logs:read']);
  const show = (entry: LogEntry): void =>
    write(options.json ? `${JSON.stringify(entry)}\n` : `${clean(lineText(entry))}\n`);
  if (!options.follow) {
    const { lines } = await client.get<{ lines: LogEntry[] }>(pathOf(options, options.limit));
    for (const entry of lines) show(entry);
    return;
  }
  let connected = false;
  for (;;) {
    try {
      for await (const { name, data } of client.events(pathOf(options, connected ? 0 : options.limit))) {
        connected = true;
        if (name === 'line') show(data as LogEntry);
      }
    } catch (error) {
      if (!connected || !(error instanceof ApiAway)) throw error;
    }
    connected = true;
    process.stderr.write('The connection broke; trying again.\n');
    await sleep(AGAIN);
  }
}

function pathOf({ level, text, call, since }: LogsOptions, limit: number): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (level !== undefined) query.set('level', level);
  if (text !== undefined) query.set('text', text);
  if (call !== undefined) query.set('callUuid', call);
  if (since !== undefined) query.set('since', String(Date.now() - since));
  return `/v1/logs?${query}`;
}
