import { createHash } from 'node:crypto';
import { detached } from '../grammar/detached.js';

const SESSION_ID = /^\s*([0-9a-fA-F]{32})\s*(?:;|$)/;
const NIL = '0'.repeat(32);

/** The local UUID of a Session-ID header (RFC 7989 section 5), lower case, or undefined if there is none or it is the nil UUID. */
export function sessionUuid(sessionId: string | undefined): string | undefined {
  const match = sessionId === undefined ? null : SESSION_ID.exec(sessionId);
  const uuid = match?.[1]?.toLowerCase();
  return uuid === undefined || uuid === NIL ? undefined : detached(uuid);
}

/**
 * The CallKit UUID of a call, upper case as iOS writes it: the caller's Session-ID (RFC 7989), else a hash of the Call-ID
 * in the form of a version 8 UUID (RFC 9562 section 5.8). The same call, retried over another trunk member, keeps it.
 */
export function callUuidOf(sessionId: string | undefined, callId: string): string {
  const hex = sessionUuid(sessionId) ?? fromCallId(callId);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join('-')
    .toUpperCase();
}

function fromCallId(callId: string): string {
  const bytes = createHash('sha256').update(`callwake ${callId}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex');
}
