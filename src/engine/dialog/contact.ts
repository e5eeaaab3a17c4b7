import { parseNameAddr } from '../../grammar/name-addr.js';
import type { SipHeaders } from '../message/index.js';
import type { SentBy } from '../transport/index.js';

/** Requests that set the remote target of a dialog, or that make one: those carry a Contact (RFC 3261 12.2, RFC 3311, RFC 6665, RFC 3515). */
const WITH_CONTACT = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER', 'OPTIONS']);

export function carriesContact(method: string): boolean {
  return WITH_CONTACT.has(method);
}

/** Requests whose Contact replaces the remote target of the dialog they are in, and so does that of a 2xx to them. */
export function refreshesTarget(method: string): boolean {
  return method !== 'OPTIONS' && WITH_CONTACT.has(method);
}

/**
 * This side's Contact for messages over a transport: with sips where `peer` (the Request-URI, or the topmost Record-Route of a
 * request) has it, so that what comes back goes over TLS too (RFC 3261 sections 8.1.1.8 and 12.1.1).
 */
export function ownContact(local: SentBy, peer = ''): string {
  const secure = /^<?sips:/i.test(peer) && (local.protocol === 'tls' || local.protocol === 'wss');
  const scheme = local.protocol === 'wss' || secure ? 'sips' : 'sip';
  const name = local.protocol === 'wss' ? 'ws' : secure ? 'tcp' : local.protocol;
  return `<${scheme}:${local.host}:${local.port}${name === 'udp' ? '' : `;transport=${name}`}>`;
}

/** The URI of the first Contact; undefined when there is none, or none that can be read. */
export function contactUri(message: SipHeaders): string | undefined {
  const [first] = message.list('contact');
  if (first === undefined || first === '*') return undefined;
  try {
    return parseNameAddr(first).uri;
  } catch {
    return undefined;
  }
}

/** Whether a header that lists option tags (Require, Supported) has this one. */
export function hasOption(message: SipHeaders, header: string, option: string): boolean {
  if (!message.has(header)) return false;
  return message.list(header).some((value) => value.toLowerCase() === option);
}
