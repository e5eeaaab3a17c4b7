import type { Binding, Device } from '../devices/types.js';

/** How a phone answered a request outside any call; a status made here, 408 or 503, when it didn't. */
export interface PhoneAnswer {
  readonly status: number;
  readonly reason: string;
  /** Nobody answered: a timeout or a broken connection. */
  readonly local?: boolean;
}

/** Asks a phone for signs of life outside any call. */
export interface PhoneProbe {
  /** OPTIONS to the phone over that binding (RFC 3261 11). */
  options(device: Device, binding: Binding): Promise<PhoneAnswer>;
  /**
   * An INVITE that is cancelled at the phone's first sign of ringing, so that the call that the push announced leaves the screen. Gives
   * the first response above 100.
   */
  ringBriefly(device: Device, binding: Binding, callUuid: string): Promise<PhoneAnswer>;
}
