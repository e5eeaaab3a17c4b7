import type { HeaderField } from '../http2/hpack-encoder.js';
import type { PushKind, PushRequest } from '../provider.js';
import type { ApnsEndpoint } from './connect.js';

/** A push in the form it goes on the wire, all but its authorization. */
export interface ApnsMessage {
  /** Device token, lower case. Secret. */
  readonly token: string;
  readonly topic: string;
  readonly kind: PushKind;
  readonly priority: string;
  readonly expiration: string;
  readonly apnsId: string;
  readonly collapseId: string | undefined;
  /** JSON. */
  readonly body: string;
  /** `latin1` where the body is plain ASCII, which is written faster. */
  readonly encoding: 'latin1' | 'utf8';
}

/** Why a push can't be sent at all, in Apple's words where Apple has one. */
export interface Unsendable {
  readonly reason: string;
}

/** Apple's bounds of the body, in bytes. */
export const PAYLOAD_LIMIT: Readonly<Record<PushKind, number>> = { voip: 5120, alert: 4096, background: 4096 };

const COLLAPSE_ID_LIMIT = 64;
/** Apple says not to assume a length; this only keeps a stranger's Contact parameter from becoming a giant path. */
const TOKEN_LIMIT = 512;

/**
 * Checks a push and puts it into the form of "Sending notification requests to APNs".
 * @param apnsId canonical lower-case UUID, the same for every attempt
 */
export function toMessage(request: PushRequest, apnsId: string): ApnsMessage | Unsendable {
  const fault = faultOf(request);
  if (fault) return { reason: fault };
  let body: string;
  try {
    body = JSON.stringify(request.payload);
  } catch {
    return { reason: 'PayloadNotJson' };
  }
  const bytes = Buffer.byteLength(body, 'utf8');
  if (bytes > PAYLOAD_LIMIT[request.kind]) return { reason: 'PayloadTooLarge' };
  return {
    token: request.token.toLowerCase(),
    topic: request.topic,
    kind: request.kind,
    priority: String(priorityOf(request)),
    expiration: expirationOf(request),
    apnsId,
    collapseId: request.collapseId,
    body,
    encoding: bytes === body.length ? 'latin1' : 'utf8',
  };
}

const METHOD: HeaderField = { name: ':method', value: 'POST', indexing: 'field' };
const SCHEME: HeaderField = { name: ':scheme', value: 'https', indexing: 'field' };

/** The same for all requests of a connection. */
export function authorityOf({ host, port }: ApnsEndpoint): HeaderField {
  return { name: ':authority', value: `${host.includes(':') ? `[${host}]` : host}:${port}`, indexing: 'field' };
}

/** The same for all requests that a provider token signs. */
export const authorizationOf = (jwt: string): HeaderField => ({
  name: 'authorization',
  value: `bearer ${jwt}`,
  indexing: 'field',
});

/**
 * The request's header fields. Apple's HPACK table is small ("Sending notification requests to APNs"): a value that never comes again goes
 * into it at most once, for its name, and the device token never.
 */
export function headersOf(
  message: ApnsMessage,
  authority: HeaderField,
  authorization: HeaderField,
): readonly HeaderField[] {
  const { token, topic, kind, priority, expiration, apnsId, collapseId } = message;
  const fields: HeaderField[] = [
    METHOD,
    SCHEME,
    authority,
    { name: ':path', value: `/3/device/${token}`, indexing: 'never' },
    authorization,
    { name: 'apns-topic', value: topic, indexing: 'field' },
    { name: 'apns-push-type', value: kind, indexing: 'field' },
    { name: 'apns-priority', value: priority, indexing: 'field' },
    { name: 'apns-expiration', value: expiration, indexing: 'name' },
    { name: 'apns-id', value: apnsId, indexing: 'name' },
  ];
  if (collapseId !== undefined) fields.push({ name: 'apns-collapse-id', value: collapseId, indexing: 'name' });
  return fields;
}

function faultOf(request: PushRequest): string | undefined {
  if (request.token === '') return 'MissingDeviceToken';
  if (!/^[0-9a-f]+$/i.test(request.token) || request.token.length % 2 || request.token.length > TOKEN_LIMIT) {
    return 'BadDeviceToken';
  }
  if (request.topic === '') return 'MissingTopic';
  if (!/^[A-Za-z0-9.-]{1,255}$/.test(request.topic)) return 'BadTopic';
  if ((request.kind === 'voip') !== request.topic.endsWith('.voip')) return 'InvalidPushType';
  if (request.kind === 'background' && request.priority === 10) return 'BadPriority';
  if (request.collapseId !== undefined && !isCollapseId(request.collapseId)) return 'BadCollapseId';
  return undefined;
}

function isCollapseId(id: string): boolean {
  return (
    id !== '' && Buffer.byteLength(id, 'utf8') <= COLLAPSE_ID_LIMIT && /^[\x20-\x7e]+$/.test(id) && id === id.trim()
  );
}

function priorityOf(request: PushRequest): 5 | 10 {
  return request.priority ?? (request.kind === 'background' ? 5 : 10);
}

/** Absent would mean Apple's storage policy, up to 30 days: a ghost call. */
function expirationOf(request: PushRequest): string {
  if (request.expiresAt === undefined || request.expiresAt <= 0) return '0';
  return String(Math.floor(request.expiresAt / 1000));
}
