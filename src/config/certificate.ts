import { z } from 'zod';
import { host, pattern } from './fields.js';

/** A path that may be handed to the engine in a list. */
const PEM_PATH = /^[^,;=]+$/;

/** What the certificate of a peer has to show (RFC 5922), over TLS in both directions. */
export const certificate = {
  /** SIP domains (or IP addresses), one of which it must show. Empty: to connections from here the peer's host; else nothing. */
  certificateNames: z.array(host(), { error: 'a list of names such as cucm.corp.example' }).default([]),
  /** Authorities that it must come from, PEM, in place of `engine.tls.caFile`. */
  caFile: pattern(PEM_PATH, 'the path of a file with certificates, PEM, without , ; or =').exactOptional(),
};

interface PeerTrust {
  readonly certificateNames: readonly string[];
  readonly caFile?: string;
}

/** Whether there is anything that its certificate has to show. */
export function asksForCertificate({ certificateNames, caFile }: PeerTrust): boolean {
  return certificateNames.length > 0 || caFile !== undefined;
}
