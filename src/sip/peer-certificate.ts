/** The header in which the embedded engine tells whose certificate a request came with; it drops what peers write into it. */
export const TLS_PEER = 'X-TLS-Peer';

/** A verified certificate of whoever sent a request. */
export interface PeerCertificate {
  /** Its SIP domains (RFC 5922 section 7.1), in lower case. */
  readonly domains: readonly string[];
  /** When it ends, epoch milliseconds. */
  readonly until?: number;
}

const FIELD = /^x-tls-peer[ \t]*:(.*)$/im;
const NAME = /"([^"\\]*)"/g;

/**
 * The certificate that a request came with, as the text of the request tells; undefined without one. Only for requests that an
 * embedded engine took over TLS.
 */
export function peerCertificateIn(raw: string): PeerCertificate | undefined {
  const value = FIELD.exec(raw.slice(0, raw.indexOf('\r\n\r\n')))?.[1];
  if (value === undefined) return undefined;
  const domains = [...value.matchAll(NAME)].flatMap(([, name]) => name || []);
  const until = /;until=(\d{1,12})\s*$/.exec(value)?.[1];
  return { domains, ...(until === undefined ? {} : { until: Number(until) * 1000 }) };
}
