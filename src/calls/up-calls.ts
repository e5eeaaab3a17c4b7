import type { Call } from './call.js';

/** The calls that are up, and which devices talk in them. */
export class UpCalls {
  readonly #devices = new Map<Call, string>();
  readonly #talking = new Map<string, number>();

  get size(): number {
    return this.#devices.size;
  }

  has(call: Call): boolean {
    return this.#devices.has(call);
  }

  /** The device is in one of them. */
  isBusy(deviceId: string): boolean {
    return this.#talking.has(deviceId);
  }

  /** `deviceId` is '' when a number over the trunk has answered. */
  add(call: Call, deviceId: string): void {
    this.#devices.set(call, deviceId);
    if (deviceId !== '') this.#talking.set(deviceId, (this.#talking.get(deviceId) ?? 0) + 1);
  }

  delete(call: Call): void {
    const deviceId = this.#devices.get(call);
    if (!this.#devices.delete(call) || !deviceId) return;
    const left = (this.#talking.get(deviceId) ?? 1) - 1;
    if (left > 0) this.#talking.set(deviceId, left);
    else this.#talking.delete(deviceId);
  }
}
