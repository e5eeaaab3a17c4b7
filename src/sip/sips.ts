import type { Binding, Device } from '../devices/types.js';
import type { HeaderLines } from './header-lines.js';
import type { Sender } from './peers.js';

/** Whether a URI asks for TLS on every hop (RFC 3261 section 26.2.2, RFC 5630). */
export function isSips(uri: string): boolean {
  return /^sips:/i.test(uri);
}

/** The Request-URI of a message's text asks for it. */
export function asksForSips(raw: string): boolean {
  return /^\S+ sips:/i.test(raw);
}

/** Whether a request came over TLS. */
export function cameOverTls({ protocol }: Pick<Sender, 'protocol'>): boolean {
  return /^(tls|wss)$/i.test(protocol);
}

/** Whether a request for sips may go there: the Contact is one itself (RFC 5630 section 5.3; its section 3.1.2 has no exception for the last hop). */
export function takesSips({ uri }: Pick<Binding, 'uri'>): boolean {
  return isSips(uri);
}

/** Whether a call for sips may reach one of the devices: over TLS, or nobody knows yet how it will register when it is woken. */
export function mayTakeSips(devices: readonly Device[]): boolean {
  return devices.some(({ bindings }) => bindings.length === 0 || bindings.some(takesSips));
}

/** What goes with a 480 to a request that there is no way for but in clear (RFC 5630 section 5.3). */
export const SIPS_NOT_ALLOWED: HeaderLines = [['Warning', '380 callwake "SIPS Not Allowed"']];
