import { isDigits, isHostText } from './chars.js';
import { GrammarError } from './error.js';
import { Params, parseParams } from './params.js';

/** A parsed URI. For schemes other than sip and sips `host` is `''` and `user` holds what stands before the parameters. */
export interface SipUri {
  /** Lower case: sip, sips, tel, ... */
  scheme: string;
  /** As escaped on the wire. */
  user?: string;
  password?: string;
  /** Lower case; IPv6 with brackets. */
  host: string;
  port?: number;
  params: Params;
  /** What stands after `?`, `''` if nothing. */
  headers: string;
}

/** Parses a URI of any scheme; sip and sips in full (RFC 3261 section 19.1). Throws {@link GrammarError}. */
export function parseUri(text: string): SipUri {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new GrammarError('URI without a scheme');
  const scheme = schemeOf(text, colon);
  if (ILLEGAL.test(text)) throw new GrammarError('Illegal character in a URI');
  if (scheme === 'sip' || scheme === 'sips') return parseSip(text, scheme, colon + 1);
  if (scheme === 'tel') {
    const semicolon = text.indexOf(';', colon);
    const end = semicolon < 0 ? text.length : semicolon;
    const params = parseParams(text, end, text.length);
    return { scheme, user: text.slice(colon + 1, end), host: '', params, headers: '' };
  }
  return { scheme, user: text.slice(colon + 1), host: '', params: new Params(), headers: '' };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const ILLEGAL = /[\x00-\x20"<>\x7f]/;

function schemeOf(text: string, colon: number): string {
  const raw = text.slice(0, colon);
  if (raw === 'sip' || raw === 'sips') return raw;
  if (!/^[A-Za-z][A-Za-z0-9+\-.]*$/.test(raw)) throw new GrammarError('Illegal URI scheme');
  return raw.toLowerCase();
}

function parseSip(text: string, scheme: string, start: number): SipUri {
  const uri: SipUri = { scheme, host: '', params: EMPTY, headers: '' };
  const at = text.indexOf('@', start);
  let pos = start;
  if (at >= 0) {
    if (at === start) throw new GrammarError('URI with an empty user');
    if (text.indexOf('@', at + 1) >= 0) throw new GrammarError('URI with two "@"');
    const colon = text.indexOf(':', start);
    if (colon >= 0 && colon < at) {
      if (colon === start) throw new GrammarError('URI with an empty user');
      uri.user = text.slice(start, colon);
      uri.password = text.slice(colon + 1, at);
    } else uri.user = text.slice(start, at);
    pos = at + 1;
  }
  const question = text.indexOf('?', pos);
  const end = question < 0 ? text.length : question;
  if (question >= 0) uri.headers = text.slice(question + 1);
  const semicolon = text.indexOf(';', pos);
  const hostEnd = semicolon < 0 || semicolon > end ? end : semicolon;
  uri.params = hostEnd === end ? new Params() : parseParams(text, hostEnd, end);
  const [host, port] = parseHostPort(text, pos, hostEnd);
  uri.host = host;
  if (port !== undefined) uri.port = port;
  return uri;
}

const EMPTY = new Params();

/**
 * Reads `host[:port]` from `start` to `end`; the host comes back in lower case, IPv6 with brackets.
 * Throws {@link GrammarError}.
 */
export function parseHostPort(text: string, start: number, end: number): [host: string, port: number | undefined] {
  let hostEnd: number;
  if (text.charCodeAt(start) === 91) {
    hostEnd = text.indexOf(']', start) + 1;
    if (hostEnd === 0 || hostEnd > end || !/^\[[0-9a-f:.]+\]$/i.test(text.slice(start, hostEnd))) {
      throw new GrammarError('Illegal IPv6 address');
    }
  } else {
    const colon = text.indexOf(':', start);
    hostEnd = colon < 0 || colon > end ? end : colon;
    if (!isHostText(text, start, hostEnd)) throw new GrammarError('Illegal host');
  }
  const host = text.slice(start, hostEnd).toLowerCase();
  if (hostEnd === end) return [host, undefined];
  if (text.charCodeAt(hostEnd) !== 58) throw new GrammarError('Illegal character after the host');
  return [host, parsePort(text, hostEnd + 1, end)];
}

function parsePort(text: string, start: number, end: number): number {
  if (end - start > 5 || !isDigits(text, start, end)) throw new GrammarError('Illegal port');
  const port = Number(text.slice(start, end));
  if (port < 1 || port > 65535) throw new GrammarError('Port out of range');
  return port;
}

/** The URI as text; what {@link parseUri} takes. */
export function formatUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    text += uri.user;
    if (uri.password !== undefined) text += `:${uri.password}`;
    if (uri.host) text += '@';
  }
  text += uri.host;
  if (uri.port !== undefined) text += `:${uri.port}`;
  text += uri.params.toString();
  return uri.headers ? `${text}?${uri.headers}` : text;
}

/** Whether a host text (IPv6 with or without brackets) is an IP address: 4, 6, or 0 for a name. */
export function ipVersion(host: string): 0 | 4 | 6 {
  if (host.includes(':')) return 6;
  const last = host.charCodeAt(host.length - 1);
  if (last < 48 || last > 57) return 0;
  return isIpv4(host) ? 4 : 0;
}

/** Four numbers up to 255, of one to three digits each; asked for each message that is sent. */
function isIpv4(host: string): boolean {
  let parts = 0;
  let digits = 0;
  let number = 0;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (code === 46) {
      if (digits === 0) return false;
      parts++;
      digits = 0;
      number = 0;
    } else if (code >= 48 && code <= 57) {
      number = number * 10 + code - 48;
      if (++digits > 3 || number > 255) return false;
    } else return false;
  }
  return parts === 3 && digits > 0;
}

export { aorOf, uriEquals } from './uri-compare.js';
