import type { PushEnvironment } from '../../push/provider.js';
import { judgeProviderToken, type RegisteredKey, type SignedToken } from './provider-token.js';
import type { World } from './world.js';

/** A request as it came in. */
export interface PushAttempt {
  readonly method: string;
  readonly path: string;
  /** By lower-case name, the first value of each. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names that came more than once. */
  readonly duplicates: readonly string[];
  readonly body: Buffer;
}

/** What a connection remembers: who it belongs to and which provider token it saw, since when. */
export interface ConnectionMemory {
  environment: PushEnvironment;
  /** The provider token of the last push that had a good one. */
  token?: SignedToken;
  /** Monotonic milliseconds. */
  jwtSince?: number;
}

/** Apple's answer to a push. */
export interface Judgement {
  readonly status: number;
  readonly reason?: string;
  readonly timestamp?: number;
}

/** A push that Apple takes. */
export interface AcceptedPush {
  readonly token: string;
  readonly topic: string;
  readonly pushType: string;
  readonly priority: number;
  /** Epoch seconds; 0 for one attempt; undefined when the header is missing. */
  readonly expiration?: number;
  readonly collapseId?: string;
  readonly payload: unknown;
}

export interface Now {
  /** Epoch milliseconds. */
  readonly wall: number;
  readonly monotonic: number;
}

const LEAST_TOKEN_USE = 20 * 60_000;
/** Push type to the end of its topic. */
const topicSuffix: Readonly<Record<string, string>> = {
  alert: '',
  background: '',
  mdm: '',
  controls: '',
  widgets: '',
  voip: '.voip',
  complication: '.complication',
  fileprovider: '.pushkit.fileprovider',
  location: '.location-query',
  liveactivity: '.push-type.liveactivity',
  pushtotalk: '.voip-ptt',
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Judges a push in Apple's order: path, provider, topic and headers, device token, payload.
 * @param memory changed by what the connection learns from it
 */
export function judge(
  attempt: PushAttempt,
  world: World,
  memory: ConnectionMemory,
  now: Now,
): Judgement | AcceptedPush {
  if (attempt.method !== 'POST') return { status: 405, reason: 'MethodNotAllowed' };
  if (!attempt.path.startsWith('/3/device')) return { status: 404, reason: 'BadPath' };
  const key = judgeProvider(attempt, world, memory, now);
  if ('status' in key) return key;
  const topic = attempt.headers.get('apns-topic') ?? '';
  const fault = topicFault(topic, key, world) ?? headerFault(attempt, topic);
  if (fault) return { status: 400, reason: fault };
  const token = /^\/3\/device\/([^/]+)$/.exec(attempt.path)?.[1];
  if (token === undefined) return { status: 400, reason: 'MissingDeviceToken' };
  const tokenFault = judgeToken(token.toLowerCase(), topic, world, memory.environment, now.wall);
  if (tokenFault) return tokenFault;
  const payload = judgePayload(attempt);
  if ('status' in payload) return payload;
  const expiration = attempt.headers.get('apns-expiration');
  const collapseId = attempt.headers.get('apns-collapse-id');
  return {
    token: token.toLowerCase(),
    topic,
    pushType: pushTypeOf(attempt),
    priority: Number(attempt.headers.get('apns-priority') ?? 10),
    ...(expiration === undefined ? {} : { expiration: Number(expiration) }),
    ...(collapseId === undefined ? {} : { collapseId }),
    payload: payload.value,
  };
}

function judgeProvider(
  attempt: PushAttempt,
  world: World,
  memory: ConnectionMemory,
  now: Now,
): RegisteredKey | Judgement {
  const authorization = attempt.headers.get('authorization');
  const keyOf = (keyId: string): RegisteredKey | undefined => world.keyOf(keyId);
  const before = memory.token;
  const token = judgeProviderToken(authorization, keyOf, memory.environment, now.wall, before);
  if (typeof token === 'string') return { status: 403, reason: token };
  const { key } = token;
  if (before && (before.key.teamId !== key.teamId || before.key.keyId !== key.keyId)) {
    return { status: 403, reason: before.key.teamId === key.teamId ? 'UnrelatedKeyIdInToken' : 'InvalidProviderToken' };
  }
  if (before !== undefined && before.authorization !== token.authorization) {
    if (now.monotonic - (memory.jwtSince ?? 0) < LEAST_TOKEN_USE)
      return { status: 429, reason: 'TooManyProviderTokenUpdates' };
  }
  if (before?.authorization !== token.authorization) memory.jwtSince = now.monotonic;
  memory.token = token;
  return key;
}

function topicFault(topic: string, key: RegisteredKey, world: World): string | undefined {
  if (topic === '') return 'MissingTopic';
  if (!/^[A-Za-z0-9.-]+$/.test(topic)) return 'BadTopic';
  return world.allows(key, topic) ? undefined : 'TopicDisallowed';
}

function headerFault(attempt: PushAttempt, topic: string): string | undefined {
  const { headers, duplicates } = attempt;
  if (duplicates.some((name) => name.startsWith('apns-') || name === 'authorization')) return 'DuplicateHeaders';
  const type = pushTypeOf(attempt);
  const suffix = topicSuffix[type];
  if (suffix === undefined || !topic.endsWith(suffix)) return 'InvalidPushType';
  if (suffix === '' && topic.endsWith('.voip')) return 'InvalidPushType';
  const priority = headers.get('apns-priority') ?? '10';
  if (!['1', '5', '10'].includes(priority) || (type === 'background' && priority === '10')) return 'BadPriority';
  const expiration = headers.get('apns-expiration');
  if (expiration !== undefined && !/^\d{1,12}$/.test(expiration)) return 'BadExpirationDate';
  if (Buffer.byteLength(headers.get('apns-collapse-id') ?? '') > 64) return 'BadCollapseId';
  const id = headers.get('apns-id');
  return id !== undefined && !UUID.test(id) ? 'BadMessageId' : undefined;
}

function judgeToken(
  token: string,
  topic: string,
  world: World,
  environment: PushEnvironment,
  now: number,
): Judgement | undefined {
  const known = /^([0-9a-f]{2})+$/.test(token) ? world.tokenOf(token) : undefined;
  if (!known || (known.environment ?? environment) !== environment) return { status: 400, reason: 'BadDeviceToken' };
  if (known.topics && !known.topics.includes(topic)) return { status: 400, reason: 'DeviceTokenNotForTopic' };
  if (known.unregisteredAt !== undefined && known.unregisteredAt <= now) {
    return { status: 410, reason: 'Unregistered', timestamp: known.unregisteredAt };
  }
  return undefined;
}

function judgePayload(attempt: PushAttempt): Judgement | { readonly value: unknown } {
  if (attempt.body.length > (pushTypeOf(attempt) === 'voip' ? 5120 : 4096))
    return { status: 413, reason: 'PayloadTooLarge' };
  try {
    const value: unknown = JSON.parse(attempt.body.toString('utf8'));
    if (typeof value === 'object' && value !== null && 'aps' in value) return { value };
  } catch {
    // Falls to the answer for what is no payload.
  }
  return { status: 400, reason: 'PayloadEmpty' };
}

const pushTypeOf = (attempt: PushAttempt): string => attempt.headers.get('apns-push-type') ?? 'alert';
