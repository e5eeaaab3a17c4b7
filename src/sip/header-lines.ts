/** Header fields of a message in order, as name and unfolded value. */
export type HeaderLines = readonly (readonly [string, string])[];

/** Headers as drachtio-srf takes them: a name once, several fields of that name joined as text. */
export type HeaderRecord = Record<string, string>;

const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Takes the header fields out of a SIP message's text; compact names are written out, other names stay as they came. */
export function headerLines(raw: string): HeaderLines {
  const end = raw.indexOf('\r\n\r\n');
  const until = end < 0 ? raw.length : end;
  const fields: [string, string][] = [];
  let last: [string, string] | undefined;
  let at = nextLine(raw, 0);
  while (at < until) {
    const next = nextLine(raw, at);
    const line = raw.slice(at, Math.min(next - 2, until));
    at = next;
    if (last !== undefined && (line.startsWith(' ') || line.startsWith('\t'))) {
      last[1] = `${last[1]} ${line.trim()}`.trim();
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim();
    last = [name.length === 1 ? (COMPACT[name.toLowerCase()] ?? name) : name, line.slice(colon + 1).trim()];
    fields.push(last);
  }
  return fields;
}

/** The header fields of a message, read once where that can be kept. */
export function linesOf({ raw, lines }: { readonly raw: string; readonly lines?: HeaderLines }): HeaderLines {
  return lines ?? headerLines(raw);
}

/** Where the line after the one at `from` begins. */
function nextLine(raw: string, from: number): number {
  const end = raw.indexOf('\r\n', from);
  return end < 0 ? raw.length + 2 : end + 2;
}

/** Names are compared for nearly every field of every message: most differ in their length already. */
function isNamed(field: string, wanted: string): boolean {
  return field.length === wanted.length && field.toLowerCase() === wanted;
}

/** The body of a SIP message's text. */
export function bodyOf(raw: string): string {
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? '' : raw.slice(end + 4);
}

/** The first field of that name. */
export function firstHeader(lines: HeaderLines, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const line of lines) if (isNamed(line[0], wanted)) return line[1];
  return undefined;
}

/** All fields of that name, one string each. */
export function allHeaders(lines: HeaderLines, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const line of lines) if (isNamed(line[0], wanted)) values.push(line[1]);
  return values;
}

/**
 * Header fields as drachtio-srf wants them. Fields that share a name stay separate lines on the wire: srf writes a value as it
 * is, so the lines after the first travel inside it. Values with a line break of their own are left out: nobody gets to write
 * headers through another header.
 */
export function toRecord(lines: HeaderLines): HeaderRecord {
  const record: HeaderRecord = {};
  const spelling = new Map<string, string>();
  for (const [name, value] of lines) {
    if (hasLineBreak(name) || hasLineBreak(value)) continue;
    const lower = name.toLowerCase();
    const key = spelling.get(lower);
    if (key === undefined) {
      spelling.set(lower, name);
      record[name] = value;
    } else {
      record[key] = `${record[key]}\r\n${name}: ${value}`;
    }
  }
  return record;
}

function hasLineBreak(text: string): boolean {
  return text.includes('\n') || text.includes('\r');
}

const HOP_BY_HOP = new Set(
  (
    'via route record-route path from to call-id cseq contact max-forwards content-length content-type ' +
    'x-tls-peer rseq rack authorization proxy-authorization proxy-authenticate www-authenticate proxy-require'
  ).split(' '),
);

/**
 * The header fields that go through from one leg to the other untouched: all but those that belong to a hop, a dialog or a
 * transaction. Content-Type goes with the body, if there is one.
 */
export function endToEnd(lines: HeaderLines, body: string): HeaderLines {
  return lines.filter(([name]) => {
    const lower = name.toLowerCase();
    return lower === 'content-type' ? body !== '' : !HOP_BY_HOP.has(lower);
  });
}
