import type { WakeMode, WakeReport, WakeStep } from '../../ops/wake-test/types.js';
import { CliError } from '../exit.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { devicesOf, pickDevice } from './devices.js';
import { clean, json } from './text.js';

export interface WakeOptions extends ReportOptions {
  /** Default: what the API finds best for the device. */
  readonly mode?: WakeMode;
}

/** A wake test holds as long as a call of the trunk with the longest hold, and the API's answers to it. */
const LONGEST = 300_000;

/**
 * `callwake wake`: wakes one phone of a user, or all of them one after the other, and tells each step as it ends. Exit code 0 when all woke.
 * @throws {CliError} when there is none, or the test can't be made
 */
export async function runWake(
  user: string,
  wanted: string | undefined,
  options: WakeOptions,
  { env, write, end }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['devices:read', 'calls:write']);
  const devices = await devicesOf(client, user);
  const chosen = wanted === undefined ? devices : [pickDevice(devices, user, wanted)];
  if (chosen.length === 0) throw new CliError(`${user} has no phone that is registered or can be woken.`, 1);
  const say = options.json ? () => {} : write;
  const reports: WakeReport[] = [];
  for (const { aor, id, platform } of chosen) {
    say(`${clean(aor)}, ${platform} ${clean(id)}\n`);
    const path = `/v1/devices/${encodeURIComponent(aor)}/${encodeURIComponent(id)}/wake-test`;
    const body = options.mode === undefined ? {} : { mode: options.mode };
    let report: WakeReport | undefined;
    for await (const { name, data } of client.events(path, { body, signal: AbortSignal.timeout(LONGEST) })) {
      if (name === 'step') say(stepText(data as WakeStep));
      if (name === 'report') report = data as WakeReport;
      if (name === 'problem') throw new CliError((data as { readonly detail: string }).detail, 1);
    }
    if (report === undefined) throw new CliError('The test did not come to its end: the connection broke.', 1);
    reports.push(report);
    say(`${clean(report.verdict)}\n`);
  }
  if (options.json) write(json(reports));
  end(reports.every(({ woken }) => woken) ? 0 : 1);
}

function stepText({ step, ok, ms, text }: WakeStep): string {
  return `${`${ms} ms`.padStart(9)}  ${ok ? 'ok    ' : 'failed'}  ${step.padEnd(8)}  ${clean(text)}\n`;
}
