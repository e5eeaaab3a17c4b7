import type { AlarmView, Overview, TrunkView } from '../../ops/http/overview.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { clean, counts, duration, durationOr, instant, json, table } from './text.js';

/** `callwake status`: the overview in a screen of text. */
export async function runStatus(options: ReportOptions, { env, write }: CommandContext): Promise<void> {
  const overview = await ApiClient.open(options, env, ['status:read']).get<Overview>('/v1/overview');
  write(options.json ? json(overview) : statusText(overview));
}

/** `callwake trunks`: each peer of each trunk. */
export async function runTrunks(options: ReportOptions, { env, write }: CommandContext): Promise<void> {
  const answer = await ApiClient.open(options, env, ['status:read']).get<{ trunks: TrunkView[] }>('/v1/trunks');
  if (options.json) return write(json(answer));
  const now = Date.now();
  const rows = answer.trunks.flatMap((trunk) =>
    trunk.peers.map(({ peer, state, reason, since }) => [
      trunk.name,
      String(trunk.held),
      String(trunk.active),
      peer,
      state,
      duration(Math.max(0, now - since)),
      reason,
    ]),
  );
  write(table(['trunk', 'held', 'active', 'peer', 'state', 'for', 'reason'], rows));
}

export interface AlarmOptions extends ReportOptions {
  /** What was, in place of what is. */
  readonly history?: boolean;
  /** With `history`: only this alarm. */
  readonly name?: string;
  /** Part of the subject or the reason. */
  readonly text?: string;
  /** Milliseconds back from now. */
  readonly since?: number;
  readonly limit: number;
}

/** `callwake alarms`: what is wrong and what to do; with `history` what was, the newest first. */
export async function runAlarms(options: AlarmOptions, { env, write }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['status:read']);
  const { name, text, since, limit } = options;
  const query = new URLSearchParams({ limit: String(limit) });
  if (name !== undefined) query.set('name', name);
  if (text !== undefined) query.set('text', text);
  if (since !== undefined) query.set('since', String(Date.now() - since));
  const answer = await client.get<{ active: AlarmView[]; history: AlarmView[]; total: number }>(`/v1/alarms?${query}`);
  if (options.json) return write(json(answer));
  if (!options.history) return write(answer.active.length === 0 ? 'No alarms.\n' : alarmText(answer.active));
  const more = answer.total - answer.history.length;
  write(answer.history.length === 0 ? 'No alarms so far.\n' : alarmText(answer.history));
  if (more > 0) write(`${more} older ones are not shown; --limit shows more.\n`);
}

function statusText(overview: Overview): string {
  const { node, version, now, startedAt, ready, missing, calls, wake, outcomes, pushes, push, alarms } = overview;
  const lines: [string, string][] = [
    ['node', `${node}, callwake ${version}, up ${duration(now - startedAt)}`],
    ['ready', ready ? 'yes' : `no: ${missing.join('; ')}`],
    ['calls', `${calls.held} held, ${calls.ringing} ringing, ${calls.up} up`],
    ['wake', `p50 ${ms(wake.p50)}, p95 ${ms(wake.p95)}, p99 ${ms(wake.p99)} (${wake.count} in the last hour)`],
    ['outcomes', `${counts(outcomes)} (since the start)`],
    ['pushes', `${counts(pushes)} (by answer)`],
    ...overview.trunks.flatMap((trunk) =>
      trunk.peers.map(({ peer, state, reason, since }, index): [string, string] => [
        index === 0 ? `trunk ${trunk.name}` : '',
        `${peer} ${state} for ${duration(Math.max(0, now - since))}: ${reason}`,
      ]),
    ),
    ['push', `${push.provider}, ${push.inFlight} under way, ${push.queued} waiting`],
    ...push.connections.map(({ host, state, streams }): [string, string] => [
      '',
      `${host} ${state}, ${streams} streams`,
    ]),
    ...(push.lastError === undefined
      ? []
      : [['', `last error ${instant(push.lastError.at)}: ${push.lastError.text}`] satisfies [string, string]]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const head = lines.map(([name, text]) => `${clean(name).padEnd(width)}  ${clean(text)}\n`).join('');
  return alarms.length === 0 ? `${head}\nNo alarms.\n` : `${head}\n${alarmText(alarms)}`;
}

function alarmText(alarms: readonly AlarmView[]): string {
  return alarms
    .map(({ name, subject, severity, state, reason, text, raisedAt, clearedAt }) => {
      const until = clearedAt === undefined ? '' : ` to ${instant(clearedAt)}`;
      const how = state === 'active' ? severity : `${severity}, ${state}`;
      return `${instant(raisedAt)}${until}  ${name}  ${clean(subject)}  (${how})\n    ${clean(reason)}\n    ${clean(text)}\n`;
    })
    .join('');
}

const ms = (value: number | undefined): string => durationOr(value, '-');
