import type { Clock } from '../clock/clock.js';
import type { DeviceSettings } from './settings.js';
import type { Binding, Device } from './types.js';

/** A binding that ends soon unless the phone is pushed to refresh it (RFC 8599 section 5.5). */
export interface RefreshDue {
  readonly device: Device;
  readonly binding: Binding;
  /** False once the binding was refreshed, replaced, removed or has run out: a push would come too late (P8). */
  readonly stillDue: () => boolean;
}

type RefreshSettings = Pick<DeviceSettings, 'refreshLead' | 'sweepInterval'>;

/**
 * When the refresh push of a binding is due: early enough to leave before the last `refreshLead` begins (P6); for a phone
 * that can refresh by itself (`+sip.pnsreg`) only when that moment came without a REGISTER (P7). The sweep may come two of its
 * intervals late: one is the step of its index, one that of its timer.
 */
export function refreshAt(binding: Binding, settings: RefreshSettings): number {
  return binding.expiresAt - settings.refreshLead - (binding.pnsreg ? 0 : 2 * settings.sweepInterval);
}

/** Remembers which refreshes were asked for, so that each binding's is asked for once, and whether they are still wanted. */
export class RefreshWishes {
  readonly #settings: RefreshSettings;
  readonly #clock: Pick<Clock, 'now'>;
  /** The end of the binding for which a refresh was asked, by AOR, then by device and URI. */
  readonly #asked = new Map<string, Map<string, number>>();

  constructor(settings: RefreshSettings, clock: Pick<Clock, 'now'>) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** The bindings of an AOR whose refresh is due and was not asked for yet. */
  take(aor: string, devices: readonly Device[], now: number): readonly RefreshDue[] {
    const due: RefreshDue[] = [];
    for (const device of devices) {
      if (device.tokens.length === 0) continue;
      for (const binding of device.bindings) {
        const key = keyOf(device, binding);
        const { expiresAt } = binding;
        if (expiresAt <= now || refreshAt(binding, this.#settings) > now) continue;
        const asked = this.#asked.get(aor) ?? new Map<string, number>();
        if (asked.get(key) === expiresAt) continue;
        this.#asked.set(aor, asked.set(key, expiresAt));
        due.push({
          device,
          binding,
          stillDue: () => this.#asked.get(aor)?.get(key) === expiresAt && this.#clock.now() < expiresAt,
        });
      }
    }
    return due;
  }

  /** The devices of an AOR have changed: refreshes of bindings that were refreshed, replaced or removed are wanted no more. */
  changed(aor: string, devices: readonly Device[]): void {
    const asked = this.#asked.get(aor);
    if (asked === undefined) return;
    const there = new Map(
      devices.flatMap((device) => device.bindings.map((one) => [keyOf(device, one), one.expiresAt])),
    );
    for (const [key, expiresAt] of asked) if (there.get(key) !== expiresAt) asked.delete(key);
    if (asked.size === 0) this.#asked.delete(aor);
  }

  /** The next moment at which one of these becomes due; undefined when none will. */
  next(devices: readonly Device[], now: number): number | undefined {
    let next: number | undefined;
    for (const device of devices) {
      for (const binding of device.tokens.length === 0 ? [] : device.bindings) {
        const at = refreshAt(binding, this.#settings);
        if (at > now && (next === undefined || at < next)) next = at;
      }
    }
    return next;
  }
}

function keyOf(device: Device, binding: Binding): string {
  return `${device.id} ${binding.uri}`;
}
