/**
 * Writes an integer (RFC 7541 section 5.1) and gives where it ends.
 * @param pattern the bits of the first octet before the prefix
 * @param prefix how many bits of the first octet it may use
 */
export function writeInteger(into: Buffer, at: number, pattern: number, prefix: number, value: number): number {
  const most = (1 << prefix) - 1;
  if (value < most) {
    into[at] = pattern | value;
    return at + 1;
  }
  into[at++] = pattern | most;
  let rest = value - most;
  while (rest >= 0x80) {
    into[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[at++] = rest;
  return at;
}

/** The longest that {@link writeInteger} writes for what fits into 28 bits. */
export const INTEGER_ROOM = 6;
