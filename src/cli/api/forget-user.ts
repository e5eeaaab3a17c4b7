import type { ForgottenUser } from '../../ops/forget-user.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { clean, json, table } from './text.js';

/** `callwake forget-user <aor>`. */
export async function runForgetUser(
  aor: string,
  options: ReportOptions,
  { env, write }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['users:write']);
  const answer = await client.send<ForgottenUser & { readonly audit: string }>(
    'DELETE',
    `/v1/users/${encodeURIComponent(aor)}`,
  );
  if (options.json) return write(json(answer));
  const { audit, ...forgotten } = answer;
  write(
    table(
      ['forgotten', 'how many'],
      Object.entries(forgotten).map(([what, count]) => [what, String(count)]),
    ),
  );
  write(`\nIn the log as ${clean(audit)}.\n`);
}
