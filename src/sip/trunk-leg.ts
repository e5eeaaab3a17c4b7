import { createHash } from 'node:crypto';
import type { TrunkTarget } from '../calls/port.js';
import type { PeerOptions } from '../trunks/types.js';

/** Request-URI, and next hop where that isn't the Request-URI's, of a call to a trunk peer. */
export function addressOf(
  { number, uri }: TrunkTarget,
  peer: PeerOptions,
  sips = false,
): { uri: string; proxy?: string } {
  const host = peer.host.includes(':') ? `[${peer.host}]` : peer.host;
  const transport = peer.transport === 'udp' ? '' : `;transport=${peer.transport}`;
  const there = `${host}:${peer.port}${transport}`;
  // With sips TLS goes without saying, and transport=tls is no more (RFC 5630 section 3.1.4).
  if (sips && uri === undefined) return { uri: `sips:${number}@${host}:${peer.port}` };
  return uri === undefined ? { uri: `sip:${number}@${there}` } : { uri, proxy: `sip:${there}` };
}

/**
 * The id of a call's branch to a peer: the same whichever process makes it, so that one that takes over goes on with the INVITE that
 * is under way.
 */
export function branchIdFor(callerDialogId: string, peer: string): string {
  return digest(`${callerDialogId}\n${peer}`).toString('hex');
}

/** Draws among peers that come out the same in every process: numbers from 0 to 1 that only the call decides. */
export function drawFor(callerDialogId: string): () => number {
  let round = 0;
  return () => digest(`${callerDialogId}\n${round++}`).readUInt32BE(0) / 2 ** 32;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
