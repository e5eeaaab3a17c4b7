import type { Call } from './call.js';
import type { CallInfo } from './records.js';
import type { Talking } from './talking.js';

/** The calls under way on this node: found by UUID and by whom they are for, told apart in those that are held and those that are up. */
export class CallIndex {
  readonly #calls = new Set<Call>();
  readonly #byAor = new Map<string, Set<Call>>();
  /** Answered calls, each with the way to say that its devices talk no more. */
  readonly #up = new Map<Call, () => void>();

  constructor(readonly talking: Talking) {}

  /** Calls under way, held, ringing and up. */
  get size(): number {
    return this.#calls.size;
  }

  /** Calls that are not answered yet. */
  get held(): number {
    return this.#calls.size - this.#up.size;
  }

  /** AORs with calls that wait for a device to come. */
  get waitedFor(): string[] {
    return [...this.#byAor]
      .filter(([, calls]) => [...calls].some(({ waitsForDevice }) => waitsForDevice))
      .map(([aor]) => aor);
  }

  add(call: Call): void {
    this.#calls.add(call);
    const { aor } = call.info;
    const calls = this.#byAor.get(aor) ?? new Set<Call>();
    this.#byAor.set(aor, calls.add(call));
  }

  /** A call was answered by this device, undefined: by none that is known. */
  up(call: Call, deviceId: string | undefined): void {
    this.#up.set(call, this.talking.begin(deviceId, call.info.callerDevice));
  }

  remove(call: Call): void {
    this.#calls.delete(call);
    this.#up.get(call)?.();
    this.#up.delete(call);
    const { aor } = call.info;
    const calls = this.#byAor.get(aor);
    calls?.delete(call);
    if (calls?.size === 0) this.#byAor.delete(aor);
  }

  /** The calls for this address as they are now: what is done to them may end them. */
  ofAor(aor: string): Call[] {
    return [...(this.#byAor.get(aor) ?? [])];
  }

  /** How many calls for this address are not answered yet. */
  heldOf(aor: string): number {
    return this.ofAor(aor).filter((call) => !this.#up.has(call)).length;
  }

  /** A call may come to several addresses, or be diverted and come again: each is a part of its own. */
  withUuid(callUuid: CallInfo['callUuid']): Call[] {
    return [...this.#calls].filter(({ info }) => info.callUuid === callUuid);
  }

  /** Those that are held. */
  waiting(): Call[] {
    return [...this.#calls].filter((call) => !this.#up.has(call));
  }
}
