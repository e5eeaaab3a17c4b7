import type { RefusalsView } from '../../ops/http/refusal-routes.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { clean, instant, json, table } from './text.js';

/** `callwake refusals`: what was refused, by reason; who is banned; the latest ones. */
export async function runRefusals(options: ReportOptions, { env, write }: CommandContext): Promise<void> {
  const answer = await ApiClient.open(options, env, ['status:read']).get<RefusalsView>('/v1/refusals');
  if (options.json) return write(json(answer));
  const { counts, banned, latest } = answer;
  if (counts.length === 0) return write('Nothing was refused so far.\n');
  const rows = counts.map(({ what, reason, count }) => [what, clean(reason), String(count)]);
  const last = latest
    .slice(0, 20)
    .map(({ at, what, reason, source, about = '-', status }) => [
      instant(at),
      what,
      clean(reason),
      clean(source),
      clean(about),
      String(status),
    ]);
  const bans = banned.map(({ address, reason, until }) => [clean(address), clean(reason), instant(until)]);
  write(table(['what', 'why', 'count'], rows));
  if (bans.length > 0) write(`\n${table(['banned', 'why', 'until'], bans)}`);
  write(`\n${table(['when', 'what', 'why', 'from', 'about', 'status'], last)}`);
}

/** `callwake unban <address>`. */
export async function runUnban(address: string, options: ReportOptions, { env, write }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['operations:write']);
  await client.send('DELETE', `/v1/bans/${encodeURIComponent(address)}`);
  write(options.json ? json({ address, banned: false }) : `${clean(address)} is not banned any more.\n`);
}
