import { Buffer } from 'node:buffer';
import { isDigits } from '../../grammar/chars.js';
import { GrammarError } from '../../grammar/error.js';
import { headerKey, knownHeader } from '../../grammar/header-names.js';
import { endOfValue, splitList } from '../../grammar/list.js';
import { formatNameAddr, type NameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { formatVia, parseVia, type Via } from './via.js';

export interface CSeq {
  number: number;
  method: string;
}

/** Header lines as they stand in a message: three arrays that run in parallel. */
export interface HeaderLines {
  /** As written. */
  names: string[];
  /** As compared: see {@link headerKey}. */
  keys: string[];
  /** Unfolded and trimmed. */
  values: string[];
}

const NO_BODY = Buffer.alloc(0);

/** A line break in a value would start another header: it becomes a blank. */
export function oneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text;
}

/**
 * What requests and responses share. Header names are compared without regard to case, compact forms included. A header that
 * nobody changed is written as it came (folded lines on one line).
 * The typed getters parse when first asked and keep the result: it is for reading, changes to it aren't written (use `set`).
 * They throw {@link GrammarError} when the header is missing or malformed, which messages from `parseMessage` never are.
 */
export abstract class SipHeaders {
  private content: Buffer | string;
  /** How the head is written; latin1 for one that came with bytes that are no UTF-8, so that it leaves as it came. */
  encoding: 'utf8' | 'latin1' = 'utf8';
  protected readonly lines: HeaderLines;
  /** The bytes that it came in, while they are what {@link toBuffer} would write. */
  private received: Buffer | undefined = undefined;
  private cachedVia: Via | undefined = undefined;
  private cachedCSeq: CSeq | undefined = undefined;
  private cachedFrom: NameAddr | undefined = undefined;
  private cachedTo: NameAddr | undefined = undefined;

  constructor(lines?: HeaderLines, body?: Buffer) {
    this.lines = lines ?? { names: [], keys: [], values: [] };
    this.content = body ?? NO_BODY;
  }

  get body(): Buffer {
    return typeof this.content === 'string' ? Buffer.from(this.content, 'latin1') : this.content;
  }

  set body(body: Buffer) {
    this.received = undefined;
    this.content = body;
  }

  /**
   * Makes a message that will wait for long small: what was parsed of it is dropped, to be parsed again when asked for, and with it the
   * datagram that it came in.
   */
  compact(): void {
    const { lines } = this;
    this.received = undefined;
    if (typeof this.content !== 'string' && this.content.length > 0) this.content = this.content.toString('latin1');
    lines.names = lines.names.slice();
    lines.keys = lines.keys.slice();
    lines.values = lines.values.slice();
    this.cachedVia = undefined;
    this.cachedCSeq = undefined;
    this.cachedFrom = undefined;
    this.cachedTo = undefined;
  }

  /** The names of all lines as they are compared: lower case, compact forms expanded. */
  get keys(): readonly string[] {
    return this.lines.keys;
  }

  protected abstract startLine(): string;

  /**
   * For the parser: these bytes, which it was read from, are as this side writes messages (`name: value`, one line each, a right Content-Length), but maybe for
   * the start line, which is looked at here. Until something is changed they needn't be put together anew.
   */
  cameAs(data: Buffer, startLine: string): void {
    if (this.startLine() === startLine) this.received = data;
  }

  /** The start line is another one now. */
  protected startChanged(): void {
    this.received = undefined;
  }

  /** The first line's value, or undefined. */
  get(name: string): string | undefined {
    const index = this.lines.keys.indexOf(headerKey(name));
    return index < 0 ? undefined : this.lines.values[index];
  }

  /** One value per header line. */
  all(name: string): string[] {
    const { keys, values } = this.lines;
    const key = headerKey(name);
    const found: string[] = [];
    for (let i = keys.indexOf(key); i >= 0; i = keys.indexOf(key, i + 1)) found.push(values[i] ?? '');
    return found;
  }

  /** All values of all lines, split at commas. Not for headers whose values contain commas (Date, WWW-Authenticate …). */
  list(name: string): string[] {
    const lines = this.all(name);
    return lines.length === 1 ? splitList(lines[0] ?? '') : lines.flatMap(splitList);
  }

  has(name: string): boolean {
    return this.lines.keys.includes(headerKey(name));
  }

  /** Replaces all lines of that name: the first in place, or at the end when there was none. */
  set(name: string, value: string | readonly string[]): this {
    const known = knownHeader(name);
    const key = known?.key ?? name.toLowerCase();
    const spelling = known?.name ?? name;
    const { names, keys, values } = this.lines;
    this.forget(key);
    const first = keys.indexOf(key);
    if (typeof value === 'string' && first >= 0 && keys.indexOf(key, first + 1) < 0) {
      values[first] = oneLine(value);
      return this;
    }
    if (first >= 0) this.removeKey(key);
    const added = typeof value === 'string' ? [value] : value;
    const at = first < 0 ? keys.length : first;
    names.splice(at, 0, ...added.map(() => spelling));
    keys.splice(at, 0, ...added.map(() => key));
    values.splice(at, 0, ...added.map(oneLine));
    return this;
  }

  /** Appends a line at the end. */
  add(name: string, value: string): this {
    const known = knownHeader(name);
    const key = known?.key ?? name.toLowerCase();
    this.forget(key);
    this.lines.names.push(known?.name ?? name);
    this.lines.keys.push(key);
    this.lines.values.push(oneLine(value));
    return this;
  }

  /** Inserts a line before the first of that name, or at the top. */
  prepend(name: string, value: string): this {
    const known = knownHeader(name);
    const key = known?.key ?? name.toLowerCase();
    const at = Math.max(this.lines.keys.indexOf(key), 0);
    this.forget(key);
    this.lines.names.splice(at, 0, known?.name ?? name);
    this.lines.keys.splice(at, 0, key);
    this.lines.values.splice(at, 0, oneLine(value));
    return this;
  }

  /** Removes every line of that name; tells whether there was one. */
  remove(name: string): boolean {
    const key = headerKey(name);
    this.forget(key);
    return this.removeKey(key);
  }

  /** Removes the first comma-separated value only (Via and Route are popped so) and returns it. */
  removeFirst(name: string): string | undefined {
    const { names, keys, values } = this.lines;
    const key = headerKey(name);
    const at = keys.indexOf(key);
    const line = values[at];
    if (line === undefined) return undefined;
    this.forget(key);
    const end = endOfValue(line, 0);
    const rest = line.slice(end + 1).trim();
    if (rest) values[at] = rest;
    else {
      names.splice(at, 1);
      keys.splice(at, 1);
      values.splice(at, 1);
    }
    return line.slice(0, end).trim();
  }

  /** Replaces the first comma-separated value only. */
  replaceFirst(name: string, value: string): void {
    const key = headerKey(name);
    const at = this.lines.keys.indexOf(key);
    const line = this.lines.values[at];
    if (line === undefined) return;
    this.forget(key);
    this.lines.values[at] = oneLine(value) + line.slice(endOfValue(line, 0));
  }

  /** Puts a tag on a To that has none. Throws as {@link to} does. */
  tagTo(tag: string): void {
    const { keys, values } = this.lines;
    const { to } = this;
    if (to.params.has('tag')) return;
    const at = keys.indexOf('to');
    const text = values[at] ?? '';
    values[at] = oneLine(`${text.includes('>') ? text : formatNameAddr(to)};tag=${tag}`);
    to.params.set('tag', tag);
    this.received = undefined;
  }

  /** Writes the topmost Via anew, when what {@link via} gave was changed for that. */
  rewriteVia(): void {
    const { names, keys, values } = this.lines;
    const { via, received } = this;
    const at = keys.indexOf('via');
    const line = values[at] ?? '';
    const text = oneLine(formatVia(via)) + line.slice(endOfValue(line, 0));
    values[at] = text;
    if (received) this.received = replaced(received, `\r\n${names[at]}: ${line}\r\n`, `\r\n${names[at]}: ${text}\r\n`);
  }

  /** Every line in order, names as written. */
  *headers(): IterableIterator<[name: string, value: string]> {
    const { names, values } = this.lines;
    for (let i = 0; i < names.length; i++) yield [names[i] ?? '', values[i] ?? ''];
  }

  /** The topmost Via. */
  get via(): Via {
    if (this.cachedVia) return this.cachedVia;
    const line = this.require('via');
    this.cachedVia = parseVia(line.slice(0, endOfValue(line, 0)).trim());
    return this.cachedVia;
  }

  get cseq(): CSeq {
    this.cachedCSeq ??= parseCSeq(this.require('cseq'));
    return this.cachedCSeq;
  }

  /** `''` when there is none. */
  get callId(): string {
    return this.get('call-id') ?? '';
  }

  get from(): NameAddr {
    this.cachedFrom ??= parseNameAddr(this.require('from'));
    return this.cachedFrom;
  }

  get to(): NameAddr {
    this.cachedTo ??= parseNameAddr(this.require('to'));
    return this.cachedTo;
  }

  get fromTag(): string | undefined {
    return this.from.params.get('tag');
  }

  get toTag(): string | undefined {
    return this.to.params.get('tag');
  }

  /** Undefined when missing or no number. */
  get maxForwards(): number | undefined {
    const text = this.get('max-forwards');
    return text !== undefined && isDigits(text) ? Number(text) : undefined;
  }

  /** The message as it goes over the wire, with a Content-Length that is right. */
  toBuffer(): Buffer {
    if (this.received) return this.received;
    const { content, encoding } = this;
    const head = this.head();
    if (content.length === 0) return Buffer.from(head, encoding);
    const start = Buffer.byteLength(head, encoding);
    const message = Buffer.allocUnsafe(start + content.length);
    message.write(head, 0, encoding);
    if (typeof content === 'string') message.write(content, start, 'latin1');
    else content.copy(message, start);
    return message;
  }

  /** The message as text, the body read as UTF-8. */
  toString(): string {
    return this.head() + this.body.toString('utf8');
  }

  private head(): string {
    const { names, keys, values } = this.lines;
    let text = `${this.startLine()}\r\n`;
    let length = false;
    for (let i = 0; i < names.length; i++) {
      if (keys[i] === 'content-length') {
        if (!length) text += `${names[i]}: ${this.content.length}\r\n`;
        length = true;
      } else text += `${names[i]}: ${values[i]}\r\n`;
    }
    return length ? `${text}\r\n` : `${text}Content-Length: ${this.content.length}\r\n\r\n`;
  }

  protected copyLines(): HeaderLines {
    return { names: this.lines.names.slice(), keys: this.lines.keys.slice(), values: this.lines.values.slice() };
  }

  private require(key: string): string {
    const value = this.get(key);
    if (value === undefined) throw new GrammarError(`Missing ${knownHeader(key)?.name ?? key} header`);
    return value;
  }

  private removeKey(key: string): boolean {
    const { names, keys, values } = this.lines;
    let kept = 0;
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === key) continue;
      names[kept] = names[i] ?? '';
      keys[kept] = keys[i] ?? '';
      values[kept] = values[i] ?? '';
      kept++;
    }
    const found = kept < keys.length;
    names.length = kept;
    keys.length = kept;
    values.length = kept;
    return found;
  }

  private forget(key: string): void {
    this.received = undefined;
    if (key === 'via') this.cachedVia = undefined;
    else if (key === 'cseq') this.cachedCSeq = undefined;
    else if (key === 'from') this.cachedFrom = undefined;
    else if (key === 'to') this.cachedTo = undefined;
  }
}

/** With the first `old` (ASCII) in it replaced; undefined when there is none. */
function replaced(data: Buffer, old: string, by: string): Buffer | undefined {
  const at = data.indexOf(old, 0, 'latin1');
  if (at < 0) return undefined;
  const copy = Buffer.allocUnsafe(data.length - old.length + by.length);
  data.copy(copy, 0, 0, at);
  copy.write(by, at, 'latin1');
  data.copy(copy, at + by.length, at + old.length);
  return copy;
}

/** RFC 3261 section 20.16: the number is below 2^31. Throws {@link GrammarError}. */
export function parseCSeq(text: string): CSeq {
  const match = /^(\d+)[ \t]+([^\s]+)$/.exec(text);
  const number = Number(match?.[1]);
  const method = match?.[2];
  if (method === undefined || number >= 2 ** 31) throw new GrammarError('Illegal CSeq');
  return { number, method };
}
