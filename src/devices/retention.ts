import type { DeviceSettings } from './settings.js';
import { liveBindings, liveTokens } from './state.js';
import type { Device } from './types.js';

type RetentionSettings = Pick<DeviceSettings, 'tokenRetention' | 'tokenOutlivesBinding'>;

/**
 * The devices without what has run out by now: bindings, tokens, and devices that have neither. Gives the same array when
 * nothing has.
 */
export function withoutExpired(
  devices: readonly Device[],
  now: number,
  settings: RetentionSettings,
): readonly Device[] {
  let changed = false;
  const left: Device[] = [];
  for (const device of devices) {
    const bindings = liveBindings(device, now);
    const tokens = liveTokens(device, now, settings);
    if (bindings === device.bindings && tokens === device.tokens && bindings.length + tokens.length > 0) {
      left.push(device);
      continue;
    }
    changed = true;
    if (bindings.length + tokens.length > 0) left.push({ ...device, bindings, tokens });
  }
  return changed ? left : devices;
}

/** When the next thing of these devices runs out, epoch milliseconds; undefined when nothing will. */
export function nextExpiry(devices: readonly Device[], settings: RetentionSettings): number | undefined {
  let next: number | undefined;
  const at = (time: number): void => {
    if (next === undefined || time < next) next = time;
  };
  for (const device of devices) {
    for (const binding of device.bindings) at(binding.expiresAt);
    if (device.bindings.length === 0) for (const token of device.tokens) at(token.seenAt + settings.tokenRetention);
  }
  return next;
}

/** When all of these devices has run out, epoch milliseconds. */
export function lastExpiry(devices: readonly Device[], settings: RetentionSettings): number {
  let last = 0;
  for (const { bindings, tokens } of devices) {
    for (const { expiresAt } of bindings) last = Math.max(last, expiresAt);
    for (const { seenAt } of tokens) last = Math.max(last, seenAt + settings.tokenRetention);
  }
  return last;
}
