import {
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TlsOptions,
} from 'node:tls';
import { SAFE_CIPHERS } from '../../grammar/ciphers.js';
import { ipVersion } from '../../grammar/uri.js';
import { trustOf } from './peer-trust.js';
import { type NamedCertificate, showsOneOf, sipDomainsOf } from './sip-domain.js';
import type { TlsSettings } from './types.js';

function authorities(settings: TlsSettings): TlsOptions['ca'] {
  const { ca } = settings;
  return ca === undefined || typeof ca === 'string' || !Array.isArray(ca) ? (ca as TlsOptions['ca']) : [...ca];
}

/** Node's options for a TLS server. Throws what Node throws for a bad key or certificate. */
export function serverTlsOptions(settings: TlsSettings): TlsOptions {
  const contexts = new Map<string, SecureContext>();
  for (const [name, pair] of Object.entries(settings.sni ?? {})) {
    contexts.set(name.toLowerCase(), createSecureContext({ ...contextOptions(settings), ...pair }));
  }
  const fallback = createSecureContext(contextOptions(settings));
  return {
    ...contextOptions(settings),
    requestCert: settings.requireClientCertificate === true || settings.requestClientCertificate === true,
    rejectUnauthorized: settings.requireClientCertificate === true,
    SNICallback: (asked, done) => {
      const name = asked.toLowerCase();
      done(null, contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*')) ?? fallback);
    },
  };
}

/** The part of the options that `setSecureContext` takes, shared by both ends. */
export function contextOptions(settings: TlsSettings): SecureContextOptions {
  const ca = authorities(settings);
  return {
    minVersion: settings.minVersion ?? 'TLSv1.2',
    ciphers: settings.ciphers ?? SAFE_CIPHERS,
    ...(settings.key === undefined ? {} : { key: settings.key }),
    ...(settings.cert === undefined ? {} : { cert: settings.cert }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Node's options for an outbound TLS connection to `address`, whose certificate must show `serverName` or what is set for that peer (RFC 5922 section 7.3). */
export function clientTlsOptions(
  settings: TlsSettings,
  address: string,
  port: number,
  serverName: string,
): ConnectionOptions {
  const trust = trustOf(settings, address, serverName);
  const names = trust?.names.length ? trust.names : [serverName];
  return {
    ...contextOptions(trust?.ca === undefined ? settings : { ...settings, ca: trust.ca }),
    host: address,
    port,
    rejectUnauthorized: settings.insecure !== true,
    checkServerIdentity: (_host, certificate) =>
      showsOneOf(certificate, names) ? undefined : new CertificateNameError(certificate, names),
    ...(ipVersion(serverName) === 0 ? { servername: serverName } : {}),
  };
}

/** A peer's certificate is good and somebody else's. `code` as Node's own check has it. */
class CertificateNameError extends Error {
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID';

  constructor(certificate: NamedCertificate, names: readonly string[]) {
    const shown = sipDomainsOf(certificate).join(', ') || 'no SIP domain';
    super(`The certificate shows ${shown}, not ${names.join(' or ')}`);
    this.name = 'CertificateNameError';
  }
}
