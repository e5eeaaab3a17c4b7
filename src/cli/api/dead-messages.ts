import type { DeadMessageJson } from '../../ops/http/message-routes.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { instant, json, table } from './text.js';

const PAGE = 200;
const HEADINGS = ['when', 'user', 'device', 'from', 'received', 'type', 'reason'];

/** `callwake dead-messages`. @throws {CliError} when the API can't be asked */
export async function runDeadMessages(options: ReportOptions, { env, write }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['devices:read']);
  const items: DeadMessageJson[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after === '' ? {} : { after }) });
    const page: { items: DeadMessageJson[]; next?: string } = await client.get(`/v1/dead-messages?${query}`);
    items.push(...page.items);
    after = page.next;
  }
  if (options.json) return write(json({ items }));
  if (items.length === 0) return write('No message was given up.\n');
  write(table(HEADINGS, items.map(row)));
}

function row({ at, aor, device, from, receivedAt, contentType, reason }: DeadMessageJson): string[] {
  return [instant(at), aor.replace(/^sips?:/, ''), device, from, instant(receivedAt), contentType, reason];
}
