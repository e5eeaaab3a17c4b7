import type { EndedCall, PushedAgain } from '../../ops/http/call-control.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { clean, json } from './text.js';

const WAS: Readonly<Record<EndedCall['was'], string>> = {
  held: 'waited for a phone',
  ringing: 'rang',
  up: 'was up',
};

/** `callwake end <call>`. @throws {CliError} when there is no such call, or it is over */
export async function runEnd(id: string, options: ReportOptions, { env, write }: CommandContext): Promise<void> {
  const client = ApiClient.open(options, env, ['calls:write']);
  const ended = await client.send<EndedCall>('POST', `/v1/calls/${encodeURIComponent(id)}/end`);
  write(options.json ? json(ended) : `Ended: ${clean(ended.callUuid)}, which ${WAS[ended.was]}.\n`);
}

/**
 * `callwake push-again <call> [device]`: exit code 1 when Apple took none of the pushes.
 * @throws {CliError} when there is no such call, or it waits for no phone
 */
export async function runPushAgain(
  id: string,
  device: string | undefined,
  options: ReportOptions,
  { env, write, end }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['calls:write']);
  const body = device === undefined ? {} : { device };
  const answer = await client.send<PushedAgain>('POST', `/v1/calls/${encodeURIComponent(id)}/push`, body);
  write(options.json ? json(answer) : answer.pushes.map(pushText).join(''));
  if (!answer.pushes.some(({ outcome }) => outcome === 'accepted')) end(1);
}

function pushText({ device, outcome, status, reason, apnsId }: PushedAgain['pushes'][number]): string {
  const details = [
    ...(status === undefined ? [] : [String(status)]),
    ...(reason === undefined ? [] : [reason]),
    ...(apnsId === undefined ? [] : [`apns-id ${apnsId}`]),
  ];
  return `${clean(`${device}: ${outcome}${details.length === 0 ? '' : ` (${details.join(', ')})`}`)}\n`;
}
