import { tokenHash } from '../../log/mask.js';

const CREDENTIALS = /^((?:proxy-)?authorization)[ \t]*:[ \t]*([\w-]*).*$/gim;
const LENGTH = /^(content-length|l)[ \t]*:.*$/im;
const TOKENS = /(pn-prid=|pn-tok=)([^;>\s,"]+)/gi;
/** Nothing is secret in a message where this isn't found. */
const SECRETS = /authorization|pn-prid=|pn-tok=/i;

/**
 * The first value of a header field, by its name as most write it or, `compact` and all other spellings, however it is written;
 * undefined without one.
 */
export function headerOf(raw: string, name: string, compact = name): string | undefined {
  const usual = raw.indexOf(`\r\n${name}: `);
  if (usual >= 0 && usual < endOf(raw))
    return raw.slice(usual + name.length + 4, raw.indexOf('\r\n', usual + 2)).trim();
  const found = new RegExp(`^(?:${name}|${compact})[ \\t]*:([^\\r\\n]*)`, 'im').exec(headOf(raw));
  return found?.[1]?.trim();
}

/** The method of a request; undefined for a response. */
export function methodOf(raw: string): string | undefined {
  return raw.startsWith('SIP/') ? undefined : raw.slice(0, raw.indexOf(' '));
}

/** The method that a response answers. */
export function statusMethodOf(raw: string): string {
  return headerOf(raw, 'CSeq')?.split(/\s+/)[1] ?? '';
}

/**
 * A SIP message without what is secret: credentials are left out and push tokens become their hash. `leftOut`: bytes of a body that
 * is no longer there; Content-Length is 0 then, and `X-Body-Left-Out` says how many they were.
 */
export function redacted(raw: string, leftOut = 0): string {
  const head = headOf(raw);
  const secret = SECRETS.test(head);
  const shown = secret
    ? head
        .replace(CREDENTIALS, (_, name: string, scheme: string) => `${name}: ${scheme} hidden="true"`)
        .replace(TOKENS, (_, name: string, token: string) => `${name}${tokenHash(token).replace(':', '-')}`)
    : head;
  if (leftOut > 0) return `${shown.replace(LENGTH, '$1: 0')}\r\nX-Body-Left-Out: ${leftOut}\r\n\r\n`;
  return secret ? `${shown}${raw.slice(head.length)}` : raw;
}

function headOf(raw: string): string {
  return raw.slice(0, endOf(raw));
}

/** Where the header fields end. */
export function endOf(raw: string): number {
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? raw.length : end;
}
