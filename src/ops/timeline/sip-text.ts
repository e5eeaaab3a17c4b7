import { tokenHash } from '../../log/mask.js';

const CREDENTIALS = /^((?:proxy-)?authorization)[ \t]*:[ \t]*([\w-]*).*$/gim;
const LENGTH = /^(content-length|l)[ \t]*:.*$/im;
const TOKENS = /(pn-prid=|pn-tok=)([^;>\s,"]+)/gi;

/** The first value of a header, by any of its names (lower case); undefined without one. */
export function headerOf(raw: string, ...names: readonly string[]): string | undefined {
  const head = headOf(raw);
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0 && names.includes(line.slice(0, colon).trim().toLowerCase())) return line.slice(colon + 1).trim();
  }
  return undefined;
}

/** The method of a request; undefined for a response. */
export function methodOf(raw: string): string | undefined {
  const start = raw.slice(0, raw.indexOf(' '));
  return start.startsWith('SIP/') ? undefined : start;
}

/**
 * A SIP message without what is secret: credentials are left out and push tokens become their hash. The body, unless it is wanted, is
 * left out too; Content-Length is 0 then, and `X-Body-Left-Out` has its length.
 */
export function redacted(raw: string, bodies: boolean): string {
  const head = headOf(raw);
  const body = raw.slice(head.length + 4);
  const shown = head
    .replace(CREDENTIALS, (_, name: string, scheme: string) => `${name}: ${scheme} hidden="true"`)
    .replace(TOKENS, (_, name: string, token: string) => `${name}${tokenHash(token).replace(':', '-')}`);
  if (bodies || body === '') return `${shown}\r\n\r\n${body}`;
  const without = shown.replace(LENGTH, '$1: 0');
  return `${without}\r\nX-Body-Left-Out: ${Buffer.byteLength(body)}\r\n\r\n`;
}

function headOf(raw: string): string {
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? raw : raw.slice(0, end);
}
