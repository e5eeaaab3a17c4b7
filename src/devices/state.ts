import type { DeviceSettings } from './settings.js';
import type { Binding, Device, PushToken, StateOf } from './types.js';

type StateSettings = Pick<DeviceSettings, 'awakeFor' | 'tokenRetention' | 'pushPlatforms' | 'tokenOutlivesBinding'>;

/**
 * The state of a device at a moment, with its reason. Nothing is remembered between calls: the state follows from what
 * the device record says and the time.
 *
 * | binding | woken by push | what decides, first match wins                            | state        |
 * |---------|---------------|------------------------------------------------------------|--------------|
 * | none    | yes           |                                                            | unregistered |
 * | none    | no            |                                                            | unreachable  |
 * | some    | no            |                                                            | active       |
 * | some    | yes           | a call or flow found it asleep, later than its own word    | suspended    |
 * | some    | yes           | its word `background`                                      | suspended    |
 * | some    | yes           | its word `foreground`                                      | active       |
 * | some    | yes           | last REGISTER within `awakeFor`                            | active       |
 * | some    | yes           |                                                            | suspended    |
 *
 * A device that no push can wake is never held back: an INVITE is the only way to reach it. A REGISTER drops the asleep
 * mark and replaces the word.
 */
export function stateAt(device: Device, now: number, settings: StateSettings): StateOf {
  return stateFor(device, now, settings, ['voip']);
}

/**
 * The same for messages and other notifications: they can wait, so a phone that has only a token for alerts sleeps as well, and
 * counts as unregistered when its binding is gone.
 */
export function notifiedStateAt(device: Device, now: number, settings: StateSettings): StateOf {
  return stateFor(device, now, settings, ['voip', 'alert']);
}

/**
 * When somebody used the device last, epoch milliseconds; `now` while it is active. Undefined when nobody knows, as of a desk phone,
 * which is registered day and night and says nothing of its user.
 */
export function lastActiveAt(device: Device, now: number, settings: StateSettings): number | undefined {
  if (device.word === undefined && !isWakeable(device, now, settings, ['voip', 'alert'])) return undefined;
  return notifiedStateAt(device, now, settings).state === 'active' ? now : device.activeAt;
}

function stateFor(device: Device, now: number, settings: StateSettings, kinds: readonly PushToken['kind'][]): StateOf {
  const bound = liveBindings(device, now).length > 0;
  const wakeable = isWakeable(device, now, settings, kinds);
  if (!bound) {
    return wakeable
      ? { state: 'unregistered', reason: 'no binding, a push token is known' }
      : { state: 'unreachable', reason: unreachableReason(device, settings) };
  }
  if (!wakeable) return { state: 'active', reason: `registered, ${whyNoPush(device, settings)}` };
  const { word, asleep } = device;
  if (asleep !== undefined && (word === undefined || asleep.at >= word.at)) {
    return { state: 'suspended', reason: asleep.reason };
  }
  if (word?.state === 'background') return { state: 'suspended', reason: 'the phone said it is in the background' };
  if (word?.state === 'foreground') return { state: 'active', reason: 'the phone said it is in the foreground' };
  const silent = now - lastRegister(device);
  return silent <= settings.awakeFor
    ? { state: 'active', reason: `registered ${seconds(silent)} ago` }
    : { state: 'suspended', reason: `silent for ${seconds(silent)}` };
}

/**
 * Whether a device surely sleeps: it has no binding, a call or a flow has shown it, or it said so itself. Silence alone proves
 * nothing while a call is up.
 */
export function knownAsleep(device: Device, now: number): boolean {
  if (liveBindings(device, now).length === 0) return true;
  const { word, asleep } = device;
  if (asleep !== undefined && (word === undefined || asleep.at >= word.at)) return true;
  return word?.state === 'background';
}

/** Bindings that have not expired. */
export function liveBindings(device: Device, now: number): readonly Binding[] {
  return device.bindings.every((binding) => binding.expiresAt > now)
    ? device.bindings
    : device.bindings.filter((binding) => binding.expiresAt > now);
}

/** Tokens that may still be pushed to: within retention, or with a binding. */
export function liveTokens(
  device: Device,
  now: number,
  settings: Pick<DeviceSettings, 'tokenRetention' | 'tokenOutlivesBinding'>,
): readonly PushToken[] {
  if (device.bindings.some((binding) => binding.expiresAt > now)) return device.tokens;
  const keeps = (token: PushToken): boolean =>
    (settings.tokenOutlivesBinding || token.origin === 'api') && token.seenAt + settings.tokenRetention > now;
  return device.tokens.every(keeps) ? device.tokens : device.tokens.filter(keeps);
}

function isWakeable(
  device: Device,
  now: number,
  settings: StateSettings,
  kinds: readonly PushToken['kind'][],
): boolean {
  return (
    settings.pushPlatforms.includes(device.platform) &&
    liveTokens(device, now, settings).some(({ kind }) => kinds.includes(kind))
  );
}

function unreachableReason(device: Device, settings: StateSettings): string {
  return `no binding, ${whyNoPush(device, settings)}`;
}

function whyNoPush(device: Device, settings: StateSettings): string {
  return settings.pushPlatforms.includes(device.platform)
    ? 'no VoIP push token'
    : `no pushes to platform ${device.platform}`;
}

function lastRegister(device: Device): number {
  return device.bindings.reduce((latest, { registeredAt }) => Math.max(latest, registeredAt), 0);
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}
