import type { DeviceSettings } from './settings.js';
import type { Binding, Device } from './types.js';

/** A binding that ends soon unless the phone is pushed to refresh it (RFC 8599 section 5.5). */
export interface RefreshDue {
  readonly device: Device;
  readonly binding: Binding;
}

type RefreshSettings = Pick<DeviceSettings, 'refreshLead' | 'sweepInterval'>;

/**
 * When the refresh push of a binding is due: early enough to leave before the last `refreshLead` begins (P6); for a phone
 * that can refresh by itself (`+sip.pnsreg`) only when that moment came without a REGISTER (P7).
 */
export function refreshAt(binding: Binding, settings: RefreshSettings): number {
  return binding.expiresAt - settings.refreshLead - (binding.pnsreg ? 0 : settings.sweepInterval);
}

/** Remembers which refreshes were asked for, so that each binding's is asked for once. */
export class RefreshWishes {
  readonly #settings: RefreshSettings;
  /** The end of the binding for which a refresh was asked, by AOR, device and URI. */
  readonly #asked = new Map<string, number>();

  constructor(settings: RefreshSettings) {
    this.#settings = settings;
  }

  /** The bindings of an AOR whose refresh is due and was not asked for yet. */
  take(devices: readonly Device[], now: number): readonly RefreshDue[] {
    const due: RefreshDue[] = [];
    for (const device of devices) {
      if (device.tokens.length === 0) continue;
      for (const binding of device.bindings) {
        const key = `${device.aor} ${device.id} ${binding.uri}`;
        if (binding.expiresAt <= now || refreshAt(binding, this.#settings) > now) continue;
        if (this.#asked.get(key) === binding.expiresAt) continue;
        this.#asked.set(key, binding.expiresAt);
        due.push({ device, binding });
      }
    }
    return due;
  }

  /** Forgets what has run out. */
  prune(now: number): void {
    for (const [key, expiresAt] of this.#asked) if (expiresAt <= now) this.#asked.delete(key);
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
