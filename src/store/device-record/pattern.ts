import type { ByteReader, ByteWriter } from './bytes.js';

/**
 * A text taken apart: its pattern, with control characters in place of what differs from phone to phone, and what stood there.
 * A character from {@link FIRST_KNOWN} on stands for something that the record has already.
 */
export interface Parts {
  readonly pattern: string;
  readonly values: readonly Value[];
}

type Value = readonly [kind: string, text: string];

const UUID = '\x00';
const UPPER_UUID = '\x01';
const ADDRESS = '\x02';
const HEX = '\x03';
const NUMBER = '\x04';
const FIRST_KNOWN = 8;
const MAX_KNOWN = 0x20 - FIRST_KNOWN;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for; \p{Cc} finds the same, slower.
const CONTROLS = /[\x00-\x1f\x7f-\x9f]/;
/** What a value may be, to be looked at closer. */
const RUN = /[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}|[\da-fA-F][\da-fA-F.:]{4,}/g;
const ONLY_HEX = /^(?:[\da-f]{2}){16,}$/;
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^[1-9]\d{4,14}$/, NUMBER],
  [/^(?:[\da-f]{2}){6,}$/, HEX],
  [/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/, UUID],
  [/^[\dA-F]{8}(?:-[\dA-F]{4}){3}-[\dA-F]{12}$/, UPPER_UUID],
];
const IPV4_AND_PORT = /^\d+\.\d+\.\d+\.\d+:\d+$/;

/** Takes a text apart; undefined when it has control characters of its own. `known`: what the record has already, in the order that it got it. */
export function takeApart(text: string, known: readonly string[]): Parts | undefined {
  const same = known.indexOf(text);
  if (same >= 0 && same < MAX_KNOWN) return { pattern: String.fromCharCode(FIRST_KNOWN + same), values: [] };
  if (ONLY_HEX.test(text)) return { pattern: HEX, values: [[HEX, text]] };
  if (CONTROLS.test(text)) return undefined;
  let rest = text;
  for (let i = 0; i < known.length && i < MAX_KNOWN; i++) {
    const part = known[i];
    if (part && rest.includes(part)) rest = rest.replaceAll(part, String.fromCharCode(FIRST_KNOWN + i));
  }
  const values: Value[] = [];
  const pattern = rest.replace(RUN, (found) => {
    const kind = kindOf(found);
    if (kind === undefined) return found;
    values.push([kind, found]);
    return kind;
  });
  return { pattern, values };
}

/** Writes what stood in the places of a pattern. */
export function writeValues(writer: ByteWriter, values: readonly Value[]): void {
  for (const [kind, text] of values) {
    if (kind === NUMBER) writer.varint(Number(text));
    else if (kind === HEX) {
      writer.varint(text.length / 2);
      writer.hex(text);
    } else if (kind === ADDRESS) for (const part of text.split('.')) writeOctet(writer, part);
    else writer.hex(text.replaceAll('-', ''));
  }
}

/** The text that a pattern was made of, with the values that were written behind it. */
export function putTogether(pattern: string, known: readonly string[], reader: ByteReader): string {
  if (!CONTROLS.test(pattern)) return pattern;
  let text = '';
  let from = 0;
  for (let at = 0; at < pattern.length; at++) {
    const code = pattern.charCodeAt(at);
    if (code >= 0x20) continue;
    text +=
      pattern.slice(from, at) + (code >= FIRST_KNOWN ? (known[code - FIRST_KNOWN] ?? '') : readValue(code, reader));
    from = at + 1;
  }
  return text + pattern.slice(from);
}

/** What kind of value a text is; undefined if it is none, or would not come back as it is. */
function kindOf(text: string): string | undefined {
  if (text.includes('.')) {
    return IPV4_AND_PORT.test(text) && text.split(/[.:]/).every(isWritten) ? ADDRESS : undefined;
  }
  return KINDS.find(([form]) => form.test(text))?.[1];
}

/** A part of an address with the port behind the last one. */
function writeOctet(writer: ByteWriter, part: string): void {
  const colon = part.indexOf(':');
  writer.byte(Number(colon < 0 ? part : part.slice(0, colon)));
  if (colon >= 0) writer.varint(Number(part.slice(colon + 1)));
}

function isWritten(part: string, place: number): boolean {
  const value = Number(part);
  return String(value) === part && value <= (place < 4 ? 0xff : 0xffff);
}

function readValue(code: number, reader: ByteReader): string {
  switch (String.fromCharCode(code)) {
    case UUID:
      return withDashes(reader.hex(16));
    case UPPER_UUID:
      return withDashes(reader.hex(16)).toUpperCase();
    case ADDRESS:
      return `${reader.byte()}.${reader.byte()}.${reader.byte()}.${reader.byte()}:${reader.varint()}`;
    case HEX:
      return reader.hex(reader.varint());
    case NUMBER:
      return String(reader.varint());
    default:
      throw new RangeError(`No value of kind ${code}`);
  }
}

function withDashes(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
