const TOKEN_MARKS = "-.!%*_+`'~";

function table(test: (char: string) => boolean): Uint8Array {
  const result = new Uint8Array(128);
  for (let code = 0; code < 128; code++) if (test(String.fromCharCode(code))) result[code] = 1;
  return result;
}

const TOKEN = table((char) => /[A-Za-z0-9]/.test(char) || TOKEN_MARKS.includes(char));
const HOST = table((char) => /[A-Za-z0-9.\-_]/.test(char));
const DIGIT = table((char) => /[0-9]/.test(char));

function allIn(set: Uint8Array, text: string, start: number, end: number): boolean {
  if (start >= end) return false;
  for (let i = start; i < end; i++) if (set[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** Whether `text` (from `start` to `end`) is a token of RFC 3261 section 25.1, not empty. */
export function isToken(text: string, start = 0, end = text.length): boolean {
  return allIn(TOKEN, text, start, end);
}

/** Whether the characters are those of a host name or IPv4 address (with `_`, which the field uses), not empty. */
export function isHostText(text: string, start = 0, end = text.length): boolean {
  return allIn(HOST, text, start, end);
}

/** Whether the characters are digits, at least one. */
export function isDigits(text: string, start = 0, end = text.length): boolean {
  return allIn(DIGIT, text, start, end);
}

/** Whether a character code is a space or tab. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** The first index from `pos` that holds no space or tab. */
export function skipBlanks(text: string, pos: number): number {
  let i = pos;
  while (isBlank(text.charCodeAt(i))) i++;
  return i;
}

/**
 * The index after the quoted string that starts at `pos` (which holds a quote), or -1 when it never ends.
 * RFC 3261 section 25.1, quoted-string.
 */
export function endOfQuoted(text: string, pos: number): number {
  for (let i = pos + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 34) return i + 1;
  }
  return -1;
}
