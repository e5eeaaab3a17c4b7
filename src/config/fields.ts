import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration } from './duration.js';

const ADDRESS_AND_PORT = /^(?:\[([^\]]+)\](?::(\d{1,5}))?|([^:]+)(?::(\d{1,5}))?)$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** A duration written as text with its unit, given as milliseconds; both limits belong to what is allowed. */
export function duration(min: string, max: string, preset: string) {
  const low = parseDuration(min) ?? 0;
  const high = parseDuration(max) ?? Number.MAX_SAFE_INTEGER;
  const allowed = `a duration with its unit (ms, s, m, h or d) from ${min} to ${max}, such as ${preset}`;
  return z
    .string({ error: allowed })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined || ms < low || ms > high) {
        context.issues.push({ code: 'custom', message: allowed, input: text });
        return z.NEVER;
      }
      return ms;
    })
    .prefault(preset);
}

/** An IP address (IPv6 with or without brackets) or a host name; given in lower case and without brackets. */
export function host() {
  const allowed = 'an IP address or a host name';
  return z
    .string({ error: allowed })
    .refine((text) => isHost(text), { error: allowed })
    .transform((text) => text.replace(/^\[(.*)\]$/, '$1').toLowerCase());
}

/** True for an IP address or a name that could be one in DNS; all-numeric last labels are neither. */
export function isHost(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return true;
  return HOST_NAME.test(bare) && !/^\d+$/.test(bare.replace(/\.$/, '').split('.').at(-1) ?? '');
}

/** An IP address or a CIDR range. */
export function addressRange() {
  const allowed = 'an IP address or a range such as 192.0.2.0/24 or 2001:db8::/32';
  return z.string({ error: allowed }).refine((text) => addAddressRange(new BlockList(), text), { error: allowed });
}

/** An IP address, or one with a port: `192.0.2.53:5353`, `[2001:db8::53]:5353`. */
export function addressAndPort() {
  const allowed = 'an IP address such as 192.0.2.53, or with a port 192.0.2.53:5353';
  const isOne = (text: string): boolean => {
    const [, bracketed, port, plain, plainPort] = ADDRESS_AND_PORT.exec(text) ?? [];
    return isIP(bracketed ?? plain ?? text) !== 0 && Number(port ?? plainPort ?? 0) <= 65535;
  };
  return z.string({ error: allowed }).refine(isOne, { error: allowed });
}

/** Adds an address or CIDR range to a list; false when the text is neither. */
export function addAddressRange(list: BlockList, text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (prefix === undefined) {
    list.addAddress(address, type);
    return true;
  }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 6 ? 128 : 32)) return false;
  list.addSubnet(address, Number(prefix), type);
  return true;
}

/** A whole number; `min` and `max` are allowed. */
export function whole(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return z.int({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
}

/** A number, not necessarily whole; `min` and `max` are allowed. */
export function fraction(min: number, max: number) {
  const allowed = `a number from ${min} to ${max}`;
  return z.number({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
}

/** `true` or `false`. */
export function flag() {
  return z.boolean({ error: 'true or false' });
}

/** Text with at least one character. `allowed` says in words what it holds. */
export function text(allowed: string) {
  return z.string({ error: allowed }).min(1, { error: allowed });
}

/** Text that matches a pattern. */
export function pattern(expression: RegExp, allowed: string) {
  return z.string({ error: allowed }).regex(expression, { error: allowed });
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, { error: `one of ${words.join(', ')}` });
}

/** A list with at least one entry. */
export function listOf<T extends z.ZodType>(entry: T, what: string) {
  return z.array(entry, { error: `a list of ${what}` }).min(1, { error: `a list of at least one of: ${what}` });
}
