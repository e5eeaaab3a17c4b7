import type { EndedTokens } from '../devices/ended-tokens.js';
import type { Provisioning } from '../devices/provisioning.js';
import type { Guard } from '../guard/guard.js';
import type { RecentLog } from '../log/recent.js';
import type { Mailbox } from '../messages/mailbox.js';
import type { Preferences } from '../messages/preferences.js';
import type { Voicemail } from '../messages/voicemail.js';
import type { Watch } from './watch.js';

export interface ForgetUserParts {
  readonly provisioning: Provisioning;
  readonly preferences: Preferences;
  readonly mailbox: Mailbox;
  readonly voicemail: Voicemail;
  readonly endedTokens: Pick<EndedTokens, 'forget'>;
  readonly watch: Pick<Watch, 'recorder' | 'messages' | 'deviceHistory' | 'alarmHistory'>;
  readonly guard: Pick<Guard, 'refusals'>;
  readonly recentLog: Pick<RecentLog, 'forget'>;
}

/** What was known of a user and is no more: how many of each. */
export interface ForgottenUser {
  readonly credentials: number;
  readonly devices: number;
  readonly bindings: number;
  readonly tokens: number;
  readonly encryptionKeys: number;
  readonly preferences: number;
  /** Messages that waited for his phones, or could not be delivered. */
  readonly messages: number;
  readonly voicemail: number;
  /** Tokens that Apple had refused. */
  readonly refusedTokens: number;
  readonly alarms: number;
  /** Of this node's memory: timelines of calls that are over, with their SIP messages. */
  readonly calls: number;
  readonly deviceEvents: number;
  readonly refusals: number;
  readonly logLines: number;
}

/**
 * Forgets all that is kept of a user: what is in the store, for all nodes, and what this node has in memory. What others keep stays theirs: the log
 * where it is written to, files of calls until `timeline.retention`, messages that he sent and that wait for somebody else.
 * @param aor in its one form (`sip:2001@corp.example`)
 * @throws ProvisionError when that is no AOR.
 */
export async function forgetUser(parts: ForgetUserParts, aor: string): Promise<ForgottenUser> {
  const { provisioning, preferences, mailbox, voicemail, endedTokens, watch, guard, recentLog } = parts;
  const devices = await provisioning.devicesOf(aor);
  const wanted = Object.keys(await preferences.get(aor)).length;
  const { credentials } = await provisioning.deleteUser(aor);
  if (wanted > 0) await preferences.put(aor, {});
  const calls = watch.recorder.forget(({ called, caller }) => called === aor || caller === aor);
  for (const call of calls) watch.messages?.forget(call);
  const sum = (of: (device: (typeof devices)[number]) => number): number =>
    devices.reduce((total, device) => total + of(device), 0);
  return {
    credentials,
    devices: devices.length,
    bindings: sum(({ bindings }) => bindings.length),
    tokens: sum(({ tokens }) => tokens.length),
    encryptionKeys: sum(({ encrypted }) => (encrypted ? 1 : 0)),
    preferences: wanted,
    messages: await mailbox.forgetUser(aor),
    voicemail: await voicemail.forget(aor),
    refusedTokens: await endedTokens.forget(aor),
    alarms: watch.alarmHistory.forget(aor),
    calls: calls.length,
    deviceEvents: watch.deviceHistory.forget(aor),
    refusals: guard.refusals.forget(aor),
    logLines: recentLog.forget(aor.slice(aor.indexOf(':') + 1)),
  };
}
