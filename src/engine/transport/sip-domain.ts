import { isIP } from 'node:net';

/** What is read of a certificate: `getPeerCertificate()` of Node's TLS sockets gives it. */
export interface NamedCertificate {
  readonly subject?: { readonly CN?: string | readonly string[] | undefined } | undefined;
  /** As Node writes it: `DNS:a.example, URI:sip:a.example`; values with commas in quotes, as JSON. */
  readonly subjectaltname?: string | undefined;
}

const ALTERNATIVE = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * The SIP domains that a certificate stands for, in lower case (RFC 5922 section 7.1): hosts of `sip:` URIs without a user among its
 * subjectAltNames; if there is none, DNS names; the common name only of a certificate without subjectAltName. Wildcards are no
 * domains (section 7.2).
 */
export function sipDomainsOf(certificate: NamedCertificate): string[] {
  const names = alternatives(certificate);
  if (names.length === 0) return domains([certificate.subject?.CN ?? []].flat());
  const uris = domains(of(names, 'URI').map((uri) => /^sip:([^@;?]+)(?:[;?][^@]*)?$/i.exec(uri)?.[1] ?? ''));
  return uris.length > 0 ? uris : domains(of(names, 'DNS'));
}

/**
 * Whether a certificate shows one of the names: whole, without regard to case, no wildcards (RFC 5922 section 7.2). An IP address is
 * shown by a subjectAltName of that type.
 */
export function showsOneOf(certificate: NamedCertificate, names: readonly string[]): boolean {
  const shown = new Set([...sipDomainsOf(certificate), ...of(alternatives(certificate), 'IP Address').map(plain)]);
  return names.some((name) => shown.has(plain(name)));
}

function domains(names: readonly string[]): string[] {
  const hosts = names.map((name) => name.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase());
  return [...new Set(hosts.filter((host) => DNS_NAME.test(host) && isIP(host) === 0))];
}

function plain(name: string): string {
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase();
  return isIP(bare) === 6 ? new URL(`http://[${bare}]/`).hostname.slice(1, -1) : bare.replace(/\.$/, '');
}

type Alternative = readonly [kind: string, value: string];

function of(names: readonly Alternative[], wanted: string): string[] {
  return names.filter(([kind]) => kind === wanted).map(([, value]) => value);
}

function alternatives({ subjectaltname = '' }: NamedCertificate): Alternative[] {
  return [...subjectaltname.matchAll(ALTERNATIVE)].map(([, kind = '', value = '']) => [kind, unquoted(value)]);
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return '';
  }
}
