import {
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TlsOptions,
} from 'node:tls';
import { ipVersion } from '../../grammar/uri.js';
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
    ...(settings.key === undefined ? {} : { key: settings.key }),
    ...(settings.cert === undefined ? {} : { cert: settings.cert }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Node's options for an outbound TLS connection to `address`, whose certificate must show `serverName`. */
export function clientTlsOptions(
  settings: TlsSettings,
  address: string,
  port: number,
  serverName: string,
): ConnectionOptions {
  return {
    ...contextOptions(settings),
    host: address,
    port,
    rejectUnauthorized: settings.insecure !== true,
    ...(ipVersion(serverName) === 0 ? { servername: serverName } : {}),
  };
}
