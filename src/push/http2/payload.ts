import { ConnectionError, ErrorCode, Flag } from './codes.js';

export const broken = (what: string): ConnectionError => new ConnectionError(ErrorCode.PROTOCOL_ERROR, what);

/** @throws ConnectionError FRAME_SIZE_ERROR: a payload of another length */
export function mustHave(length: number, right: number, what: string): void {
  if (length !== right) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `${what} of ${length} octets`);
}

/** @throws ConnectionError PROTOCOL_ERROR: a frame of a stream that is about the connection */
export function mustBeOfConnection(stream: number, what: string): void {
  if (stream !== 0) throw broken(`${what} of stream ${stream}`);
}

/**
 * Where a payload without its padding is (RFC 9113 section 6.1).
 * @throws ConnectionError there is more padding than payload
 */
export function unpadded(flags: number, bytes: Buffer, from: number, to: number): readonly [from: number, to: number] {
  if ((flags & Flag.PADDED) === 0) return [from, to];
  if (from === to) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'no room for the length of a padding');
  const padding = bytes[from] ?? 0;
  if (from + 1 + padding > to) throw broken('more padding than payload');
  return [from + 1, to - padding];
}
