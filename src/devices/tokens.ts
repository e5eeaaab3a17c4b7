import type { PushEnvironment, TokenVerdict } from '../push/provider.js';
import type { ClaimedToken } from './push-params.js';
import type { Device, PushToken, Writable } from './types.js';

/**
 * The tokens of a device after a REGISTER named `claimed`: those of earlier REGISTERs end, those from the API stay unless
 * one of the same kind came now. What Apple's answers have told of a token is kept.
 */
export function registerTokens(
  known: readonly PushToken[],
  claimed: readonly ClaimedToken[],
  now: number,
): readonly PushToken[] {
  const tokens = claimTokens(known, claimed, now, 'register');
  const kept = known.filter((token) => token.origin === 'api' && !tokens.some(({ kind }) => kind === token.kind));
  return [...tokens, ...kept];
}

/** Tokens as they are named now, with what Apple's answers have told of them before. */
export function claimTokens(
  known: readonly PushToken[],
  claimed: readonly ClaimedToken[],
  now: number,
  origin: 'register' | 'api',
): readonly PushToken[] {
  return claimed.map(({ kind, token, teamId, bundleId, environment: stated }): PushToken => {
    const before = known.find((other) => other.token === token.toLowerCase() && other.bundleId === bundleId);
    const environment = before?.environment ?? stated;
    const named: Writable<PushToken> = { kind, token: token.toLowerCase(), teamId, bundleId, seenAt: now, origin };
    if (environment !== undefined) named.environment = environment;
    if (before?.refusedIn !== undefined) named.refusedIn = before.refusedIn;
    return named;
  });
}

/** What a push told about a token. */
export interface Verdict {
  readonly token: string;
  readonly verdict: TokenVerdict;
  /** Epoch milliseconds; Apple's own of a 410. */
  readonly at: number;
  /** Where the push went, if known. */
  readonly environment?: PushEnvironment;
  /** The push service's word for a refusal, such as `Unregistered`. */
  readonly reason?: string;
}

/** A token that a device has no more because of what a push told of it. */
export interface TokenEnded {
  /** As it was before. */
  readonly device: Device;
  readonly token: PushToken;
  readonly told: Verdict;
}

/**
 * The tokens after a push's outcome. A dead one ends unless the phone named it later than Apple saw it die; one that
 * neither environment takes ends as well; one of the wrong topic can't be used under it and ends until it is named again.
 * Gives the same array when nothing changed.
 */
export function judgeTokens(device: Device, told: Verdict): readonly PushToken[] {
  const token = device.tokens.find((candidate) => candidate.token === told.token);
  if (token === undefined) return device.tokens;
  const next = judge(token, told);
  if (next === token) return device.tokens;
  return device.tokens.flatMap((candidate) => (candidate !== token ? [candidate] : next === undefined ? [] : [next]));
}

function judge(token: PushToken, { verdict, at, environment }: Verdict): PushToken | undefined {
  if (verdict === 'keep') return environment === undefined ? token : settle(token, environment);
  if (verdict === 'dead' || verdict === 'wrong-topic') return at >= token.seenAt ? undefined : token;
  const tried = environment ?? token.environment ?? 'production';
  const refusedIn = [...new Set<PushEnvironment>([...(token.refusedIn ?? []), tried])];
  if (refusedIn.length === 2) return at >= token.seenAt ? undefined : token;
  return { ...token, refusedIn, environment: tried === 'production' ? 'sandbox' : 'production' };
}

function settle(token: PushToken, environment: PushEnvironment): PushToken {
  if (token.environment === environment && token.refusedIn === undefined) return token;
  const { refusedIn: _, ...rest } = token;
  return { ...rest, environment };
}
