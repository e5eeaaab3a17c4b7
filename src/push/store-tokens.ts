import type { Store } from '../store/store.js';
import type { ProviderToken, SharedTokens } from './apns/token.js';

/** Keeps provider tokens in the store, where all processes of a site find them. */
export function storeTokens(store: Pick<Store, 'shared' | 'putShared'>): SharedTokens {
  const key = (name: string): string => `apns-token ${name}`;
  return {
    async get(name) {
      const { value, version } = await store.shared(key(name));
      return { token: asToken(value), version };
    },
    async put(name, token, version) {
      return asToken((await store.putShared(key(name), { ...token }, version)).value);
    },
  };
}

function asToken(value: unknown): ProviderToken | undefined {
  if (typeof value !== 'object' || value === null || !('jwt' in value) || !('issuedAt' in value)) return undefined;
  const { jwt, issuedAt } = value;
  return typeof jwt === 'string' && typeof issuedAt === 'number' ? { jwt, issuedAt } : undefined;
}
