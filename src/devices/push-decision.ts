import type { ParsedContact } from './contact.js';
import { RegisterError } from './errors.js';
import { pushServicesIn } from './feature-caps.js';
import { type ClaimedToken, isServed } from './push-params.js';
import type { DeviceSettings, PushService } from './settings.js';
import type { RegisterRequest } from './types.js';

/** What callwake does about the push part of one Contact. */
export interface PushDecision {
  /** Tokens to keep; empty when there are none, or others take care of push. */
  readonly tokens: readonly ClaimedToken[];
  /** Services to name in Feature-Caps of the 200. */
  readonly services: readonly PushService[];
}

const NOTHING: PushDecision = { tokens: [], services: [] };

/**
 * Decides over the push parameters of a Contact as RFC 8599 sections 5.6.1.1 and 5.6.1.2 want (P9 to P20, P38).
 * @param askedSeconds the expiry that the phone asks for
 * @param grantedSeconds the expiry that it gets
 * @throws RegisterError 403, 423 or 555.
 */
export function decidePush(
  contact: ParsedContact,
  request: RegisterRequest,
  askedSeconds: number,
  grantedSeconds: number,
  settings: DeviceSettings,
): PushDecision {
  const { push } = contact;
  if (push.kind === 'none') return NOTHING;
  const nearer = pushServicesIn(request.featureCaps);
  if (push.kind === 'query') {
    if (push.provider === '') return { tokens: [], services: settings.pushServices };
    const service = serviceOf(push.provider, settings);
    if (service !== undefined) return { tokens: [], services: [service] };
    if (nearer.length === 0) refuseUnsupported(settings);
    return NOTHING;
  }
  if (nearer.includes(push.provider)) return NOTHING;
  const service = push.kind === 'tokens' ? serviceOf(push.provider, settings) : undefined;
  if (
    push.kind === 'unsupported' ||
    service === undefined ||
    !push.tokens.every((token) => isServed(token, settings))
  ) {
    refuseUnsupported(settings);
    return NOTHING;
  }
  checkSecure(request, settings);
  if (settings.shortPushExpiry === 'accept') return { tokens: push.tokens, services: [service] };
  const lead = settings.refreshLead / 1000;
  if (askedSeconds <= lead && settings.shortPushExpiry === 'refuse') {
    throw new RegisterError(423, 'Interval Too Brief', [['Min-Expires', String(pushMinExpires(settings))]]);
  }
  return grantedSeconds <= lead ? NOTHING : { tokens: push.tokens, services: [service] };
}

/** What is secret must not come in clear (P38). @throws RegisterError 403. */
export function checkSecure(request: RegisterRequest, settings: DeviceSettings): void {
  if (!settings.requireSecureTransport || request.fromEdge) return;
  const [, transport = '', address = ''] = SOURCE.exec(request.source) ?? [];
  if (transport === 'tls' || transport === 'wss' || settings.cleartextNetworks.has(address)) return;
  throw new RegisterError(403, 'Push parameters only over TLS');
}

/** `udp/192.0.2.1:5060`, `tcp/[2001:db8::1]:5060`. */
const SOURCE = /^(\w+)\/(.+?)(?::\d+)?$/;

/** The shortest expiry, in seconds, of a REGISTER with a push token: a refresh push must fit in before its end (P13). */
function pushMinExpires(settings: DeviceSettings): number {
  return Math.max(Math.floor(settings.refreshLead / 1000) + 1, Math.ceil(settings.minExpires / 1000));
}

function serviceOf(provider: string, settings: DeviceSettings): PushService | undefined {
  const name = provider === 'apns.dev' ? 'apns' : provider;
  return settings.pushServices.find((service) => service.provider === name);
}

function refuseUnsupported(settings: DeviceSettings): void {
  if (settings.allow555) throw new RegisterError(555, 'Push Notification Service Not Supported');
}
