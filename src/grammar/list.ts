import { endOfQuoted } from './chars.js';

/**
 * Splits a header value at its commas, not those in quoted strings or angle brackets; values are trimmed, empty ones dropped
 * (RFC 3261 section 7.3.1). A quote or bracket that never closes takes the rest.
 */
export function splitList(value: string): string[] {
  if (!value.includes(',')) {
    const only = value.trim();
    return only ? [only] : [];
  }
  const parts: string[] = [];
  let start = 0;
  while (start < value.length) {
    const end = endOfValue(value, start);
    const part = value.slice(start, end).trim();
    if (part) parts.push(part);
    start = end + 1;
  }
  return parts;
}

/** The index of the comma that ends the value at `start`, or the text's length. */
export function endOfValue(value: string, start: number): number {
  let angle = false;
  for (let i = start; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (angle) {
      if (code === 62) angle = false;
    } else if (code === 44) return i;
    else if (code === 60) angle = true;
    else if (code === 34) {
      const after = endOfQuoted(value, i);
      if (after < 0) return value.length;
      i = after - 1;
    }
  }
  return value.length;
}
