import type { TokenVerdict } from '../provider.js';

/** What operators are told, in Cisco's names where CUCM has one for it. */
export type AlarmName =
  | 'PushNotificationServiceUnavailable'
  | 'PushNotificationInvalidDeviceTokenResponse'
  | 'PushNotificationServiceAccessTokenUnavailable'
  | 'PushNotificationServiceClockSkew'
  | 'PushNotificationTopicRefused'
  | 'PushNotificationRequestRefused'
  | 'PushNotificationTooManyRequests';

/**
 * What to do about one of Apple's answers. Every column is one thing that may have to change; a row says all of it.
 */
export interface Reaction {
  /** HTTP status, or 0 for a reason that comes in a GOAWAY as well. */
  readonly status: number;
  /** Apple's reason string; `*` for any other with this status. */
  readonly reason: string;
  /**
   * What becomes of the push: `refuse` ends it; `retry-once` sends it again at once, on a new connection; `retry` sends it again
   * after a delay while there is time, another connection first; `hold-device` as `retry`, and other pushes to the device wait as well.
   */
  readonly push: 'accept' | 'refuse' | 'retry-once' | 'retry' | 'hold-device';
  readonly token: TokenVerdict;
  /** `hold`: no push of this topic for a while. */
  readonly topic: 'keep' | 'hold';
  /** `renew`: a new provider token, unless another push's answer already led to one; `hold`: no push of this account for a while. */
  readonly account: 'keep' | 'renew' | 'hold';
  /** `replace`: no further push on this connection. `count`: Apple is in trouble, for the host's breaker. */
  readonly connection: 'keep' | 'replace' | 'count';
  readonly alarm?: AlarmName;
  /** What it means. */
  readonly meaning: string;
  /** What the operator does about it. */
  readonly advice: string;
}

type Row = Partial<Omit<Reaction, 'status' | 'reason' | 'meaning' | 'advice'>>;

const ourFault: Row = { alarm: 'PushNotificationRequestRefused' };
const accountFault: Row = { account: 'hold', alarm: 'PushNotificationServiceAccessTokenUnavailable' };
const topicFault: Row = { topic: 'hold', alarm: 'PushNotificationTopicRefused' };
const appleFault: Row = { push: 'retry', connection: 'count', alarm: 'PushNotificationServiceUnavailable' };

const reportIt = 'Report it with the log lines of this push: it should have been caught before it was sent.';
const waitForApple = "Look at Apple's system status page; calls go on being tried.";

const accepted = row(200, '*', { push: 'accept' }, 'Apple took the push.', 'Nothing.');

/** Apple's answers ("Handling notification responses from APNs") and what each leads to. */
export const reactions: readonly Reaction[] = [
  accepted,

  row(
    400,
    'BadDeviceToken',
    { token: 'wrong-environment', alarm: 'PushNotificationInvalidDeviceTokenResponse' },
    'The token is malformed or belongs to the other environment: a development build on production, or the reverse.',
    "Check that it is hexadecimal, which environment the app's build registers for, and what the device was provisioned with.",
  ),
  row(
    400,
    'DeviceTokenNotForTopic',
    { token: 'wrong-topic', alarm: 'PushNotificationInvalidDeviceTokenResponse' },
    'The token belongs to another app, or a VoIP token was used with the alert topic or the reverse.',
    "Check pn-param: the topic must be the app's bundle id, with .voip for the PushKit token.",
  ),
  row(
    400,
    'BadTopic',
    topicFault,
    'The topic is malformed.',
    'Check the bundle id in pn-param or in the configuration.',
  ),
  row(
    400,
    'MissingTopic',
    topicFault,
    'The push named no topic.',
    'Check the bundle id in pn-param or in the configuration.',
  ),
  row(
    400,
    'TopicDisallowed',
    topicFault,
    "The signing key's team doesn't own this topic.",
    'Check that team id and bundle id belong together, and that the app has the push capability.',
  ),
  row(400, 'BadCollapseId', ourFault, 'The collapse id is longer than 64 bytes.', reportIt),
  row(400, 'BadExpirationDate', ourFault, 'The expiration is no number.', reportIt),
  row(400, 'BadMessageId', ourFault, 'The apns-id is no UUID.', reportIt),
  row(400, 'BadPriority', ourFault, 'The priority is none of those this kind of push may have.', reportIt),
  row(
    400,
    'InvalidPushType',
    ourFault,
    "The push type doesn't fit the topic.",
    'A call needs the topic <bundle id>.voip with a PushKit token, an alert the bundle id alone: check pn-param.',
  ),
  row(400, 'DuplicateHeaders', ourFault, 'A header came twice.', reportIt),
  row(400, 'PayloadEmpty', ourFault, 'The push had no payload.', reportIt),
  row(400, 'MissingDeviceToken', ourFault, 'The push named no device.', reportIt),
  row(
    400,
    'IdleTimeout',
    { push: 'retry-once', connection: 'replace' },
    'Apple closed a connection that was idle.',
    'Nothing; the push is sent again on a new one.',
  ),

  row(
    403,
    'ExpiredProviderToken',
    { push: 'retry-once', account: 'renew', connection: 'replace' },
    "The provider token is older than an hour by Apple's clock.",
    "If it comes again, this machine's clock is wrong: set up NTP.",
  ),
  row(
    403,
    'InvalidProviderToken',
    accountFault,
    "Apple can't verify the provider token: key, key id and team id don't belong together, the key was revoked, or the clock is wrong.",
    "Compare key id and team id with the developer account; check that the key wasn't revoked; check the clock.",
  ),
  row(
    403,
    'MissingProviderToken',
    accountFault,
    'The push carried no provider token.',
    'A proxy between here and Apple may be removing the authorization header.',
  ),
  row(
    403,
    'BadCertificate',
    accountFault,
    'Apple refused the client certificate.',
    'callwake signs with a key and offers no certificate: look for a TLS-intercepting proxy.',
  ),
  row(
    403,
    'BadCertificateEnvironment',
    accountFault,
    'The client certificate is for the other environment.',
    'callwake signs with a key and offers no certificate: look for a TLS-intercepting proxy.',
  ),
  row(
    403,
    'BadEnvironmentKeyIdInToken',
    accountFault,
    'The signing key is for the other environment.',
    "Restrict the account to its key's environment, or use a key for both.",
  ),
  row(
    403,
    'BadEnvironmentKeyInToken',
    accountFault,
    'The signing key is for the other environment.',
    "Restrict the account to its key's environment, or use a key for both.",
  ),
  row(
    403,
    'Forbidden',
    accountFault,
    'The key may not do this.',
    "Check the key's services and scope in the developer account.",
  ),
  row(
    403,
    'UnrelatedKeyIdInToken',
    { push: 'retry-once', connection: 'replace' },
    'The connection was bound to another key.',
    'Nothing, unless it repeats: then check whether the key was revoked.',
  ),
  row(403, '*', accountFault, 'Apple refused the account.', 'Check key, key id and team id in the developer account.'),

  row(404, 'BadPath', ourFault, 'The path was wrong.', reportIt),
  row(404, '*', ourFault, 'The path was wrong.', reportIt),
  row(405, 'MethodNotAllowed', ourFault, 'The method was wrong.', reportIt),
  row(405, '*', ourFault, 'The method was wrong.', reportIt),

  row(
    410,
    'Unregistered',
    { token: 'dead', alarm: 'PushNotificationInvalidDeviceTokenResponse' },
    'The app was removed from the device, or the device got a new token.',
    'Nothing; the device must register again.',
  ),
  row(
    410,
    'ExpiredToken',
    { token: 'dead', alarm: 'PushNotificationInvalidDeviceTokenResponse' },
    'The device token has expired.',
    'Nothing; the device must register again.',
  ),
  row(
    410,
    '*',
    { token: 'dead', alarm: 'PushNotificationInvalidDeviceTokenResponse' },
    'The device token is no longer valid.',
    'Nothing; the device must register again.',
  ),
  row(413, 'PayloadTooLarge', ourFault, 'The payload is over 4096 bytes, 5120 for VoIP.', reportIt),
  row(413, '*', ourFault, 'The payload is over 4096 bytes, 5120 for VoIP.', reportIt),

  row(
    429,
    'TooManyProviderTokenUpdates',
    { push: 'retry', connection: 'replace', alarm: 'PushNotificationServiceAccessTokenUnavailable' },
    'Apple saw provider tokens change more often than every 20 minutes.',
    'Check that no other program signs with this key from this address, and the clock.',
  ),
  row(
    429,
    'TooManyRequests',
    { push: 'hold-device', alarm: 'PushNotificationTooManyRequests' },
    'Too many pushes for one device in a short time.',
    'Look for a caller or a script that calls this device over and over.',
  ),
  row(
    429,
    '*',
    { push: 'hold-device', alarm: 'PushNotificationTooManyRequests' },
    'Apple asks to slow down.',
    'Look for a caller or a script that causes many pushes.',
  ),

  row(500, 'InternalServerError', appleFault, 'Apple has an internal error.', waitForApple),
  row(503, 'ServiceUnavailable', appleFault, "Apple's service is unavailable.", waitForApple),
  row(
    503,
    'Shutdown',
    { push: 'retry', connection: 'replace' },
    "Apple's server is shutting down.",
    'Nothing; pushes go over a new connection.',
  ),
  row(500, '*', appleFault, 'Apple has an internal error.', waitForApple),
];

const byAnswer = new Map(reactions.map((reaction) => [`${reaction.status} ${reaction.reason}`, reaction]));
const refused = row(400, '*', ourFault, 'Apple refused the push for a reason not in its documentation.', reportIt);
const unavailable = row(500, '*', appleFault, 'Apple, or a proxy on the way, has trouble.', waitForApple);

/** The row for an answer. A status or reason that Apple doesn't document falls to the nearest one. */
export function reactionTo(status: number, reason: string): Reaction {
  if (status === 200) return accepted;
  const known = byAnswer.get(`${status} ${reason}`) ?? byAnswer.get(`${status} *`);
  if (known) return known;
  return status >= 500 ? unavailable : refused;
}

/** For people: what a reason means and what to do about it, whatever its status. */
export function reasonInWords(reason: string): { readonly meaning: string; readonly advice: string } | undefined {
  return own[reason] ?? reactions.find((reaction) => reaction.reason === reason);
}

/** Reasons that are callwake's own: the push didn't get as far as an answer. */
const own: Readonly<Record<string, { readonly meaning: string; readonly advice: string }>> = {
  NoAccount: {
    meaning: 'No signing key is configured for this team, topic and environment.',
    advice: "Add the team's key, or correct the team id in pn-param.",
  },
  QueueFull: {
    meaning: 'More pushes wait than the queue may hold.',
    advice: 'Look at the alarms: Apple or the network is slow. If neither is, raise the queue limit.',
  },
  Closed: { meaning: 'callwake is shutting down.', advice: 'Nothing.' },
  Deadline: {
    meaning: "Apple didn't answer within the time the call can wait.",
    advice: 'Check the network to api.push.apple.com, port 443 or 2197.',
  },
  NoAnswer: {
    meaning: 'The push was sent, twice at most, and never answered.',
    advice: 'Check the network to api.push.apple.com: a firewall may drop idle connections.',
  },
  ConnectionLost: {
    meaning: 'The connection broke while the push was under way.',
    advice: 'Check the network to api.push.apple.com, port 443 or 2197.',
  },
  NotProcessed: {
    meaning: 'Apple turned the push away unread, again and again.',
    advice: waitForApple,
  },
  NoConnection: {
    meaning: "No connection to Apple could be opened within the push's time.",
    advice: 'Check DNS, firewall and proxy for api.push.apple.com, port 443 or 2197.',
  },
  PayloadNotJson: { meaning: "The payload can't be written as JSON.", advice: reportIt },
};

function row(status: number, reason: string, does: Row, meaning: string, advice: string): Reaction {
  return {
    status,
    reason,
    push: 'refuse',
    token: 'keep',
    topic: 'keep',
    account: 'keep',
    connection: 'keep',
    ...does,
    meaning,
    advice,
  };
}
