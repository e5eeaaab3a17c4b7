import type { RefusedTokenJson } from '../../ops/http/refused-token-routes.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { instant, json, table } from './text.js';

export interface RefusedTokensOptions extends ReportOptions {
  /** Milliseconds back from now. */
  readonly since: number;
}

const PAGE = 200;
const HEADINGS = ['when', 'user', 'device', 'platform', 'name', 'token', 'reason', 'new token'];

/** `callwake refused-tokens`. @throws {CliError} when the API can't be asked */
export async function runRefusedTokens(options: RefusedTokensOptions, { env, write }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['devices:read']);
  const since = String(Math.max(Date.parse('2000-01-01'), Date.now() - options.since));
  const items: RefusedTokenJson[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const query = new URLSearchParams({ since, limit: String(PAGE), ...(after === '' ? {} : { after }) });
    const page: { items: RefusedTokenJson[]; next?: string } = await client.get(`/v1/refused-tokens?${query}`);
    items.push(...page.items);
    after = page.next;
  }
  if (options.json) return write(json({ items }));
  if (items.length === 0) return write('Apple refused no token.\n');
  write(table(HEADINGS, items.map(row)));
}

function row({ at, aor, device, platform, deviceName, kind, reason, replaced }: RefusedTokenJson): string[] {
  return [
    instant(at),
    aor.replace(/^sips?:/, ''),
    device,
    platform,
    deviceName ?? '-',
    kind,
    reason,
    replaced ? 'yes' : 'no',
  ];
}
