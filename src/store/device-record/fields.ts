import type { ByteReader, ByteWriter } from './bytes.js';
import type { NotedTexts } from './noted.js';
import { putTogether, takeApart, writeValues } from './pattern.js';
import type { Words } from './words.js';

/** How a value is written and read back. */
export interface Field<T> {
  write(value: T, to: RecordWriter): void;
  read(from: RecordReader): T;
}

/** Shorter texts are not looked for in later ones. */
const KNOWN_FROM = 6;

/** What reading and writing of one record have in common: the texts that it has had so far, by which later ones can be told. */
class RecordContext {
  readonly words: Words;
  readonly aor: string;
  readonly known: string[];
  /** What times are told against, epoch milliseconds. */
  base = 0;

  constructor(words: Words, aor: string) {
    this.words = words;
    this.aor = aor;
    const user = /^sips?:/.test(aor) ? aor.slice(aor.indexOf(':'), aor.indexOf('@') + 1) : '';
    this.known = user.length < 3 ? [] : [user];
  }

  learn(text: string): void {
    if (text.length >= KNOWN_FROM) this.known.push(text);
  }
}

export class RecordWriter extends RecordContext {
  readonly out: ByteWriter;
  /** What was read before. */
  readonly before: NotedTexts | undefined;

  constructor(words: Words, aor: string, out: ByteWriter, before?: NotedTexts) {
    super(words, aor);
    this.out = out;
    this.before = before;
  }
}

export class RecordReader extends RecordContext {
  readonly in: ByteReader;
  /** For what is read to be found when it is written again. */
  readonly notes: NotedTexts | undefined;

  constructor(words: Words, aor: string, bytes: ByteReader, notes?: NotedTexts) {
    super(words, aor);
    this.in = bytes;
    this.notes = notes;
  }
}

/** What the two low bits of a text's head say; the others are its length in bytes, or the number of the word. */
const PLAIN = 0;
const PATTERN = 1;
const WORD = 2;

const NONE: readonly string[] = [];

/** What a text is like, for the shortest way to write it. */
interface TextKind {
  /** Often the same for many phones as it stands, such as the name of an app: it may become a word with the numbers in it. */
  readonly shared?: boolean;
  /** Has in it what the record has had before. */
  readonly repeats?: boolean;
}

function textField({ shared = false, repeats = false }: TextKind): Field<string> {
  return {
    write: (value, { words, known, aor, out, before }) => {
      const whole = shared ? words.number(value, aor) : undefined;
      if (whole !== undefined) return out.varint(whole * 4 + WORD);
      const noted = before?.find(value, repeats, known);
      const parts = noted ?? takeApart(value, repeats ? known : NONE);
      if (parts === undefined) {
        out.varint(Buffer.byteLength(value) * 4 + PLAIN);
        return out.text(value);
      }
      const number = shared && parts.pattern === value ? undefined : words.number(parts.pattern, aor);
      if (number === undefined) {
        out.varint(Buffer.byteLength(parts.pattern) * 4 + PATTERN);
        out.text(parts.pattern);
      } else out.varint(number * 4 + WORD);
      if (before !== undefined && noted !== undefined) out.copy(before.bytes, noted.start, noted.end);
      else if ('values' in parts) writeValues(out, parts.values);
    },
    read: ({ words, known, in: bytes, notes }) => {
      const head = bytes.varint();
      const rest = Math.floor(head / 4);
      if (head % 4 === PLAIN) return bytes.text(rest);
      const pattern = head % 4 === WORD ? words.word(rest) : bytes.text(rest);
      const start = bytes.at;
      const value = putTogether(pattern, repeats ? known : NONE, bytes);
      notes?.note({ value, repeats, known: known.length, pattern, start, end: bytes.at });
      return value;
    },
  };
}

export const text = textField({});
export const shared = textField({ shared: true });
export const repeating = textField({ repeats: true });

/** A text that later ones of the record may repeat. */
function repeated(field: Field<string>): Field<string> {
  return {
    write: (value, to) => {
      field.write(value, to);
      to.learn(value);
    },
    read: (from) => {
      const value = field.read(from);
      from.learn(value);
      return value;
    },
  };
}

export const key = repeated(text);
export const uri = repeated(repeating);

/** The address that the record is of. */
export const aor: Field<string> = {
  write: (value, to) => {
    to.out.byte(value === to.aor ? 1 : 0);
    if (value !== to.aor) text.write(value, to);
  },
  read: (from) => (from.in.byte() === 1 ? from.aor : text.read(from)),
};

/** What the two low bits of a number's head say; the others are the number, its sign in the lowest. */
const WHOLE = 0;
const THOUSANDS = 1;
const DOUBLE = 2;
/** A time that is told against no other. */
const ALONE = 3;
/** Times within this of 1970 are told against others: sums of them are exact. */
const MAX_TOLD = 2 ** 50;

function writeNumber(value: number, out: ByteWriter): void {
  const thousands = value % 1000 === 0;
  const units = thousands ? value / 1000 : value;
  const signed = units < 0 ? -2 * units - 1 : 2 * units;
  if (!Number.isInteger(value) || Object.is(value, -0) || signed * 4 >= Number.MAX_SAFE_INTEGER) {
    writeDouble(DOUBLE, value, out);
  } else {
    out.varint(signed * 4 + (thousands ? THOUSANDS : WHOLE));
  }
}

function writeDouble(head: number, value: number, out: ByteWriter): void {
  out.varint(head);
  out.double(value);
}

/** The number whose head has been read. */
function numberAfter(head: number, bytes: ByteReader): number {
  if (head === DOUBLE) return bytes.double();
  const signed = Math.floor(head / 4);
  const units = signed % 2 === 0 ? signed / 2 : -(signed + 1) / 2;
  return head % 4 === THOUSANDS ? units * 1000 : units;
}

export const number: Field<number> = {
  write: (value, { out }) => writeNumber(value, out),
  read: ({ in: bytes }) => numberAfter(bytes.varint(), bytes),
};

/** Epoch milliseconds, told against the time in the record before it. */
export const time: Field<number> = {
  write: (value, to) => {
    const alone = !Number.isInteger(value) || Math.abs(value) > MAX_TOLD || Object.is(value, -0);
    if (alone) return writeDouble(ALONE, value, to.out);
    writeNumber(value - to.base, to.out);
    to.base = value;
  },
  read: (from) => {
    const head = from.in.varint();
    if (head === ALONE) return from.in.double();
    from.base += numberAfter(head, from.in);
    return from.base;
  },
};

export const yes: Field<boolean> = {
  write: (value, { out }) => out.byte(value ? 1 : 0),
  read: (from) => from.in.byte() === 1,
};

/** One of a few words, each by a number that never changes. */
export function oneOf<T extends string>(numbers: Readonly<Record<T, number>>): Field<T> {
  const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name as T]));
  return {
    write: (value, { out }) => out.byte(numbers[value]),
    read: (from) => {
      const number = from.in.byte();
      const name = names.get(number);
      if (name === undefined) throw new RangeError(`Number ${number} stands for nothing in a record`);
      return name;
    },
  };
}

export function list<T>(of: Field<T>): Field<readonly T[]> {
  return {
    write: (values, to) => {
      to.out.varint(values.length);
      for (const value of values) of.write(value, to);
    },
    read: (from) => {
      const values: T[] = [];
      for (let left = from.in.varint(); left > 0; left--) values.push(of.read(from));
      return values;
    },
  };
}

/** The fields of `T`, each with how it is written. */
type FieldsOf<T> = { readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>> };

/**
 * An object by its fields, in their order; a number ahead of them says which are there. A field may be added at the end: records without it stay readable.
 */
export function object<T extends object>(fields: FieldsOf<T>): Field<T> {
  const all = Object.entries(fields) as unknown as readonly (readonly [keyof T, Field<unknown>])[];
  return {
    write: (value, to) => {
      let there = 0;
      let bit = 1;
      for (const [name] of all) {
        if (value[name] !== undefined) there += bit;
        bit *= 2;
      }
      to.out.varint(there);
      for (const [name, field] of all) if (value[name] !== undefined) field.write(value[name], to);
    },
    read: (from) => {
      let there = from.in.varint();
      const value: Partial<T> = {};
      for (const [name, field] of all) {
        if (there % 2 === 1) value[name] = field.read(from) as T[keyof T];
        there = Math.floor(there / 2);
      }
      if (there > 0) throw new RangeError('A record has fields that this callwake does not know');
      return value as T;
    },
  };
}
