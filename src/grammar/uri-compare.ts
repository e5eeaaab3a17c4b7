import { type Params, unquote } from './params.js';
import type { SipUri } from './uri.js';

const UNRESERVED = /[A-Za-z0-9\-_.!~*'()]/;

/** Resolves the escapes that need not be there (unreserved characters); the others get upper-case digits. */
function normaliseEscapes(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(char) ? char : whole.toUpperCase();
  });
}

/**
 * The address of record that a URI stands for, `sip:user@host`, in one canonical spelling: scheme sip (sips and sip are one here),
 * needless escapes resolved, host in lower case, no default port, no password, parameters or headers (RFC 3261 section 10.3 step 5).
 * A tel URI gives `tel:number` without visual separators.
 */
export function aorOf(uri: SipUri): string {
  if (uri.scheme === 'tel') return `tel:${(uri.user ?? '').replace(/[-.()]/g, '')}`;
  const port = uri.port === undefined || uri.port === (uri.scheme === 'sips' ? 5061 : 5060) ? '' : `:${uri.port}`;
  const user = uri.user === undefined ? '' : `${normaliseEscapes(uri.user)}@`;
  return `sip:${user}${uri.host}${port}`;
}

/** Whether two URIs are the same by RFC 3261 section 19.1.4. */
export function uriEquals(a: SipUri, b: SipUri): boolean {
  return (
    a.scheme === b.scheme &&
    sameText(a.user, b.user) &&
    sameText(a.password, b.password) &&
    a.host === b.host &&
    a.port === b.port &&
    sameParams(a.params, b.params) &&
    sameParams(b.params, a.params) &&
    sameHeaders(a.headers, b.headers)
  );
}

function sameText(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || normaliseEscapes(a) === normaliseEscapes(b);
}

function mustBeInBoth(name: string): boolean {
  return name === 'user' || name === 'ttl' || name === 'method' || name === 'maddr' || name === 'transport';
}

function sameParams(a: Params, b: Params): boolean {
  for (const [name, value = ''] of a) {
    const other = b.get(name);
    if (other === undefined) {
      if (mustBeInBoth(name.toLowerCase())) return false;
    } else if (normaliseEscapes(unquote(value)).toLowerCase() !== normaliseEscapes(unquote(other)).toLowerCase()) {
      return false;
    }
  }
  return true;
}

function sameHeaders(a: string, b: string): boolean {
  if (a === b) return true;
  const normal = (headers: string) =>
    headers
      .split('&')
      .map((header) => {
        const equals = header.indexOf('=');
        const name = (equals < 0 ? header : header.slice(0, equals)).toLowerCase();
        return normaliseEscapes(equals < 0 ? name : name + header.slice(equals));
      })
      .sort()
      .join('&');
  return normal(a) === normal(b);
}
