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

/**
 * Parameters behind a URI or a header value, in order; names are compared without regard to case.
 * A value keeps its quotes (see {@link unquote}).
 */
export class Params implements Iterable<[name: string, value: string | undefined]> {
  private readonly names: string[] = [];
  private readonly values: (string | undefined)[] = [];

  /** Takes what {@link toString} gives: `;a=b;c`. Throws {@link GrammarError}. */
  static parse(text: string): Params {
    return parseParams(text, 0, text.length);
  }

  /** The value, `''` for a parameter without one, undefined when there is none of that name. */
  get(name: string): string | undefined {
    const index = this.indexOf(name);
    return index < 0 ? undefined : (this.values[index] ?? '');
  }

  has(name: string): boolean {
    return this.indexOf(name) >= 0;
  }

  /** Replaces in place, or appends. Without a value it is a flag. */
  set(name: string, value?: string): this {
    const index = this.indexOf(name);
    if (index < 0) this.append(name, value);
    else this.values[index] = value;
    return this;
  }

  /** Appends without a look for another of the same name. */
  append(name: string, value?: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  delete(name: string): boolean {
    const index = this.indexOf(name);
    if (index < 0) return false;
    this.names.splice(index, 1);
    this.values.splice(index, 1);
    return true;
  }

  get size(): number {
    return this.names.length;
  }

  *[Symbol.iterator](): IterableIterator<[string, string | undefined]> {
    for (let i = 0; i < this.names.length; i++) yield [this.names[i] ?? '', this.values[i]];
  }

  /** `;a=b;c`, or the empty text. */
  toString(): string {
    let text = '';
    for (let i = 0; i < this.names.length; i++) {
      const value = this.values[i];
      text += value === undefined ? `;${this.names[i]}` : `;${this.names[i]}=${value}`;
    }
    return text;
  }

  clone(): Params {
    const copy = new Params();
    for (let i = 0; i < this.names.length; i++) copy.append(this.names[i] ?? '', this.values[i]);
    return copy;
  }

  private indexOf(name: string): number {
    const names = this.names;
    const index = names.indexOf(name);
    if (index >= 0) return index;
    const lower = name.toLowerCase();
    for (let i = 0; i < names.length; i++) if (names[i]?.toLowerCase() === lower) return i;
    return -1;
  }
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
