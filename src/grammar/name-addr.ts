import { endOfQuoted, isBlank, isToken, skipBlanks } from './chars.js';
import { GrammarError } from './error.js';
import { Params, parseParams, quote, unquote } from './params.js';

/** A From, To, Contact, Route … value. */
export interface NameAddr {
  /** Display name, without quotes. */
  display?: string;
  /** The URI as text; `*` for that Contact. */
  uri: string;
  /** The header's parameters (behind the `>`, or behind a bare URI). */
  params: Params;
}

/**
 * Parses one value: `"Display" <uri>;params`, `Display <uri>;params` or `uri;params` (RFC 3261 section 20.10).
 * The URI's own grammar is not checked. Throws {@link GrammarError}.
 */
export function parseNameAddr(text: string): NameAddr {
  const start = skipBlanks(text, 0);
  if (text.charCodeAt(start) === 34) {
    const after = endOfQuoted(text, start);
    if (after < 0) throw new GrammarError('Quoted string without an end');
    const open = skipBlanks(text, after);
    if (text.charCodeAt(open) !== 60) throw new GrammarError('Expected "<" after the display name');
    return bracketed(text, open, unquote(text.slice(start, after)));
  }
  const open = text.indexOf('<', start);
  if (open < 0) return bare(text, start);
  if (open === start) return bracketed(text, open);
  const display = text.slice(start, open).trimEnd();
  checkTokens(display);
  return bracketed(text, open, display);
}

/** Display names without quotes: tokens between blanks; characters beyond ASCII are let through, as the field sends them. */
function checkTokens(display: string): void {
  let start = 0;
  while (start < display.length) {
    let end = start;
    while (end < display.length && !isBlank(display.charCodeAt(end)) && display.charCodeAt(end) < 128) end++;
    if (end > start && !isToken(display, start, end)) throw new GrammarError('Illegal character in a display name');
    start = end + 1;
  }
}

function bracketed(text: string, open: number, display?: string): NameAddr {
  const close = text.indexOf('>', open);
  if (close < 0) throw new GrammarError('"<" without ">"');
  const uri = text.slice(open + 1, close);
  checkUri(uri);
  const params = parseParams(text, close + 1, text.length);
  return display === undefined ? { uri, params } : { display, uri, params };
}

function bare(text: string, start: number): NameAddr {
  const semicolon = text.indexOf(';', start);
  const end = semicolon < 0 ? text.length : semicolon;
  const uri = text.slice(start, end).trimEnd();
  if (uri === '*') return { uri, params: parseParams(text, end, text.length) };
  checkUri(uri);
  if (uri.includes('?') || uri.includes(',')) throw new GrammarError('A URI with "?" or "," needs angle brackets');
  return { uri, params: semicolon < 0 ? new Params() : parseParams(text, end, text.length) };
}

function checkUri(uri: string): void {
  if (uri.indexOf(':') <= 0) throw new GrammarError('URI without a scheme');
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i);
    if (code <= 32 || code === 34 || code === 60 || code === 62) throw new GrammarError('Illegal character in a URI');
  }
}

/** The value as text, always with angle brackets; a display name is written quoted. */
export function formatNameAddr(value: NameAddr): string {
  if (value.uri === '*') return '*';
  const display = value.display === undefined ? '' : `${quote(value.display)} `;
  return `${display}<${value.uri}>${value.params.toString()}`;
}
