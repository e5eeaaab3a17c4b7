import type { Waker } from './calls/waker.js';
import type { Clock } from './clock/clock.js';
import type { Config } from './config/schema.js';
import type { DeviceRegistry } from './devices/registry.js';
import { MidDialogHold } from './sip/mid-dialog.js';

/** How long a request inside a call waits for a phone that sleeps: its sender's own transaction must not end first. */
const PATIENCE = 10_000;

export interface MidDialogParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  /** Wakes whatever the hour. */
  readonly waker: Waker;
  readonly onFault: (error: unknown) => void;
}

/** What holds requests inside a call for phones that sleep; undefined without PURRs, by which such phones are known. */
export function openMidDialog({ config, clock, devices, waker, onFault }: MidDialogParts): MidDialogHold | undefined {
  const { purrKey } = devices.settings;
  if (purrKey === undefined) return undefined;
  return new MidDialogHold({
    clock,
    purrKey,
    devicesOf: (aor) => devices.devicesOf(aor),
    canWake: (device) => waker.tokenFor(device) !== undefined,
    wake: (device, callUuid, deadline, stillWanted) =>
      waker.wake({
        device,
        deadline,
        stillWanted,
        call: { callUuid, calledNumber: userOf(device.aor), video: false, trunk: '', privacy: false },
      }),
    reroutes: config.engine.mode === 'embedded',
    patience: PATIENCE,
    onFault,
  });
}

function userOf(aor: string): string {
  return aor.slice(aor.indexOf(':') + 1, aor.lastIndexOf('@'));
}
