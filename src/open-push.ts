import { readFileSync } from 'node:fs';
import type { Clock } from './clock/clock.js';
import type { PushConfig } from './config/schema.js';
import type { ServerCertificate } from './grammar/server-certificate.js';
import type { Logger } from './log/logger.js';
import type { PushAlarm } from './push/apns/alarms.js';
import { ApnsProvider } from './push/apns/client.js';
import type { ApnsEndpoint } from './push/apns/connect.js';
import { type ApnsAccount, loadSigningKey } from './push/apns/key.js';
import { type ApnsProviderOptions, defaultEndpoints } from './push/apns/options.js';
import type { ProxyOptions } from './push/apns/proxy.js';
import { NullProvider } from './push/null-provider.js';
import type { PushProvider } from './push/provider.js';
import { deviceKey, type Recipient } from './push/recipient.js';
import { storeTokens } from './push/store-tokens.js';
import type { Store } from './store/store.js';

/** The configured push service. */
export interface OpenedPush {
  readonly provider: PushProvider;
  /** Takes the keys of a configuration that was read again. @throws {ApnsKeyError} when one can't be used; nothing changes then */
  reload(config: PushConfig): void;
}

export interface OpenPushOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Where provider tokens are shared with the site's other processes. */
  readonly store: Store;
  /** Told of what an operator should know. */
  readonly onAlarm?: (alarm: PushAlarm) => void;
  /** Told of the certificate that Apple shows to each connection. */
  readonly onCertificate?: (certificate: ServerCertificate) => void;
}

/**
 * Makes the push provider that the configuration names and opens its first connections.
 * @throws {ApnsKeyError} when a key can't be used
 */
export function openPush(
  config: PushConfig,
  { clock, log, store, onAlarm, onCertificate }: OpenPushOptions,
): OpenedPush {
  if (config.provider === 'none') return { provider: new NullProvider(), reload: () => {} };
  const provider = new ApnsProvider({
    ...apnsOptions(config),
    clock,
    log,
    sharedTokens: storeTokens(store),
    ...(onAlarm && { onAlarm }),
    ...(onCertificate && { onCertificate }),
  });
  const warm = (settings: PushConfig): void => {
    if (!settings.prewarm) return;
    for (const { teamId, environment } of settings.accounts) {
      if (environment !== 'auto') provider.warm(teamId, environment);
    }
  };
  warm(config);
  return {
    provider,
    reload(settings) {
      provider.setAccounts(accountsOf(settings));
      warm(settings);
    },
  };
}

/**
 * What the configuration says about Apple, with the files that it names read.
 * @throws {ApnsKeyError} when a key can't be used
 */
export function apnsOptions(config: PushConfig): Omit<ApnsProviderOptions, 'clock'> {
  const { endpoints, caFile, connections, port, queueLimit } = config;
  const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  const proxy = proxyOf(config, ca);
  return {
    accounts: accountsOf(config),
    endpoints: {
      production: endpointOf(endpoints.production, { ...defaultEndpoints.production, port }),
      sandbox: endpointOf(endpoints.sandbox, { ...defaultEndpoints.sandbox, port }),
    },
    ...(ca === undefined ? {} : { ca }),
    ...(proxy === undefined ? {} : { proxy }),
    connections,
    queueLimit,
  };
}

/** Apps whose phones may register for push, by team: those named, else those that the key is for, none for all of the team. */
export function servedApps({ accounts }: PushConfig): readonly { teamId: string; bundleIds: readonly string[] }[] {
  return accounts.map(({ teamId, bundleIds, keyBundleIds }) => ({
    teamId,
    bundleIds: bundleIds.length > 0 ? bundleIds : keyBundleIds,
  }));
}

/** How the configuration has a device's app told things, with the key that the device gave. */
export function recipientOf(
  { content, apps, registerTo }: PushConfig,
  bundleId: string,
  { encryptionKey, encryptionKeyId }: { readonly encryptionKey?: string; readonly encryptionKeyId?: string },
): Recipient {
  const key = deviceKey(encryptionKey, encryptionKeyId);
  return {
    content: apps[bundleId]?.content ?? content,
    ...(key === undefined ? {} : { key }),
    ...(registerTo === undefined ? {} : { registerTo }),
  };
}

function accountsOf({ accounts }: PushConfig): readonly ApnsAccount[] {
  return accounts.map(({ teamId, keyId, keyFile, keyEnvironments, keyBundleIds }) => ({
    teamId,
    keyId,
    key: loadSigningKey(keyFile),
    ...(new Set(keyEnvironments).size === 1 ? { environments: keyEnvironments } : {}),
    ...(keyBundleIds.length === 0 ? {} : { bundleIds: keyBundleIds }),
  }));
}

function endpointOf(url: string | undefined, standard: ApnsEndpoint): ApnsEndpoint {
  if (url === undefined) return standard;
  const { hostname, port } = new URL(url);
  return { host: bare(hostname), port: Number(port || 443) };
}

function proxyOf({ proxy }: PushConfig, ca: string | undefined): ProxyOptions | undefined {
  const { url, user, password } = proxy;
  if (url === undefined) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:';
  return {
    host: bare(hostname),
    port: Number(port || (secure ? 443 : 80)),
    tls: secure,
    ...(ca === undefined ? {} : { ca }),
    ...(user === undefined || password === undefined ? {} : { credentials: { username: user, password } }),
  };
}

/** A URL has brackets around an IPv6 address, a socket takes none. */
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');
