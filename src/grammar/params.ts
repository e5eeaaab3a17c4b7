import { endOfQuoted, isBlank, skipBlanks } from './chars.js';
import { GrammarError } from './error.js';

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;

/** The text in double quotes, with `"` and `\` escaped. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** A quoted string's content; a text without quotes is returned as it came. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE || text.charCodeAt(text.length - 1) !== QUOTE) return text;
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\(.)/gs, '$1') : inner;
}

interface Param {
  readonly name: string;
  value: string | undefined;
  next: Param | undefined;
}

/**
 * Parameters behind a URI or a header value, in order; names are compared without regard to case.
 * A value keeps its quotes (see {@link unquote}). A linked list: there are few of them, and lots of these.
 */
export class Params implements Iterable<[name: string, value: string | undefined]> {
  private first: Param | undefined = undefined;
  private last: Param | undefined = undefined;

  /** Takes what {@link toString} gives: `;a=b;c`. Throws {@link GrammarError}. */
  static parse(text: string): Params {
    return parseParams(text, 0, text.length);
  }

  /** The value, `''` for a parameter without one, undefined when there is none of that name. */
  get(name: string): string | undefined {
    const param = this.find(name);
    return param && (param.value ?? '');
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** Replaces in place, or appends. Without a value it is a flag. */
  set(name: string, value?: string): this {
    const param = this.find(name);
    if (param) param.value = value;
    else this.append(name, value);
    return this;
  }

  /** Appends without a look for another of the same name. */
  append(name: string, value?: string): void {
    const added: Param = { name, value, next: undefined };
    if (this.last) this.last.next = added;
    else this.first = added;
    this.last = added;
  }

  delete(name: string): boolean {
    const param = this.find(name);
    if (!param) return false;
    let before = this.first === param ? undefined : this.first;
    while (before && before.next !== param) before = before.next;
    if (before) before.next = param.next;
    else this.first = param.next;
    if (this.last === param) this.last = before;
    return true;
  }

  get size(): number {
    let size = 0;
    for (let param = this.first; param; param = param.next) size++;
    return size;
  }

  *[Symbol.iterator](): IterableIterator<[string, string | undefined]> {
    for (let param = this.first; param; param = param.next) yield [param.name, param.value];
  }

  /** `;a=b;c`, or the empty text. */
  toString(): string {
    let text = '';
    for (let param = this.first; param; param = param.next) {
      text += param.value === undefined ? `;${param.name}` : `;${param.name}=${param.value}`;
    }
    return text;
  }

  clone(): Params {
    return this.filter(() => true);
  }

  /** Those whose name `wanted` takes. */
  filter(wanted: (name: string) => boolean): Params {
    const copy = new Params();
    for (let param = this.first; param; param = param.next) {
      if (wanted(param.name)) copy.append(param.name, param.value);
    }
    return copy;
  }

  /** Whether a name is there twice. */
  get hasRepeated(): boolean {
    for (let param = this.first; param; param = param.next) {
      for (let other = param.next; other; other = other.next) if (sameName(param.name, other.name)) return true;
    }
    return false;
  }

  private find(name: string): Param | undefined {
    for (let param = this.first; param; param = param.next) if (param.name === name) return param;
    for (let param = this.first; param; param = param.next) if (sameName(param.name, name)) return param;
    return undefined;
  }
}

/** Most names differ in their length already. */
function sameName(a: string, b: string): boolean {
  return a.length === b.length && a.toLowerCase() === b.toLowerCase();
}

function isNameEnd(code: number): boolean {
  return code === SEMICOLON || code === EQUALS || isBlank(code);
}

function isIllegal(code: number): boolean {
  return code < 32 || code === QUOTE || code === 44 || code === 60 || code === 62 || code === 127;
}

/**
 * Reads `;name=value;flag` from `start` to `end`, blanks allowed around the signs.
 * Throws {@link GrammarError} for anything else, an empty parameter included.
 */
export function parseParams(text: string, start: number, end: number): Params {
  const params = new Params();
  let pos = skipBlanks(text, start);
  while (pos < end) {
    if (text.charCodeAt(pos) !== SEMICOLON) throw new GrammarError('Expected ";" before a parameter');
    pos = skipBlanks(text, pos + 1);
    const nameStart = pos;
    while (pos < end && !isNameEnd(text.charCodeAt(pos))) {
      if (isIllegal(text.charCodeAt(pos))) throw new GrammarError('Illegal character in a parameter name');
      pos++;
    }
    if (pos === nameStart) throw new GrammarError('Empty parameter');
    const name = text.slice(nameStart, pos);
    pos = skipBlanks(text, pos);
    if (pos >= end || text.charCodeAt(pos) !== EQUALS) {
      params.append(name);
      continue;
    }
    pos = skipBlanks(text, pos + 1);
    const valueEnd = endOfValue(text, pos, end);
    params.append(name, text.slice(pos, valueEnd));
    pos = skipBlanks(text, valueEnd);
  }
  return params;
}

function endOfValue(text: string, start: number, end: number): number {
  if (text.charCodeAt(start) === QUOTE) {
    const after = endOfQuoted(text, start);
    if (after < 0 || after > end) throw new GrammarError('Quoted string without an end');
    return after;
  }
  let pos = start;
  while (pos < end) {
    const code = text.charCodeAt(pos);
    if (code === SEMICOLON || isBlank(code)) break;
    if (isIllegal(code)) throw new GrammarError('Illegal character in a parameter value');
    pos++;
  }
  return pos;
}
