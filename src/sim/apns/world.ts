import { LRUCache } from 'lru-cache';
import type { PushEnvironment } from '../../push/provider.js';
import type { RegisteredKey } from './provider-token.js';

/** A device token as Apple knows it. */
export interface RegisteredToken {
  /** Lower-case hexadecimal. */
  readonly token: string;
  /** Default: any topic. */
  readonly topics?: readonly string[];
  /** Default: production. */
  readonly environment?: PushEnvironment;
  /** Epoch milliseconds from which it is no longer registered; what 410 says. */
  readonly unregisteredAt?: number;
}

const MAX_TOKENS = 200_000;

/** What the simulated Apple knows: keys, topics and device tokens. */
export class World {
  readonly #keys = new Map<string, RegisteredKey>();
  readonly #topics = new Map<string, Set<string>>();
  readonly #tokens = new LRUCache<string, RegisteredToken>({ max: MAX_TOKENS });
  /** Any well-formed token that isn't known is a registered one, for any topic and environment. */
  acceptAnyToken = false;

  addKey(key: RegisteredKey): void {
    this.#keys.set(key.keyId, key);
  }

  keyOf(keyId: string): RegisteredKey | undefined {
    return this.#keys.get(keyId);
  }

  /** From the first topic of a team on, only named ones are the team's (`com.example.app` and what begins with it and a dot). */
  addTopic(teamId: string, topic: string): void {
    this.#topics.set(teamId, (this.#topics.get(teamId) ?? new Set()).add(topic));
  }

  /** Whether a key may send to this topic. */
  allows(key: RegisteredKey, topic: string): boolean {
    const scopes = [key.bundleIds, this.#topics.get(key.teamId)];
    return scopes.every((scope) => !scope || [...scope].some((id) => topic === id || topic.startsWith(`${id}.`)));
  }

  addToken(token: RegisteredToken): void {
    const hex = token.token.toLowerCase();
    this.#tokens.set(hex, { ...token, token: hex });
  }

  /** The device token is no longer registered, as after the app was removed. */
  unregister(token: string, at: number): void {
    const hex = token.toLowerCase();
    this.#tokens.set(hex, { ...this.#tokens.get(hex), token: hex, unregisteredAt: at });
  }

  tokenOf(hex: string): RegisteredToken | undefined {
    const known = this.#tokens.get(hex);
    return known ?? (this.acceptAnyToken ? { token: hex } : undefined);
  }

  get size(): { readonly keys: number; readonly tokens: number } {
    return { keys: this.#keys.size, tokens: this.#tokens.size };
  }

  clear(): void {
    this.#keys.clear();
    this.#topics.clear();
    this.#tokens.clear();
  }
}
