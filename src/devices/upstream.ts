import { parseNameAddr } from '../grammar/name-addr.js';
import { parseUri, uriEquals } from '../grammar/uri.js';
import { refuse } from './answer.js';
import { type ParsedContact, parseContact, withoutPush } from './contact.js';
import { RegisterError } from './errors.js';
import { askedExpiry } from './expiry.js';
import { featureCap } from './feature-caps.js';
import { decidePush } from './push-decision.js';
import type { DeviceRegistry } from './registry.js';
import type { DeviceSettings, PushService } from './settings.js';
import type { RegisterAnswer, RegisterRequest } from './types.js';

/** What a REGISTER that goes on to another registrar has to look like. */
export interface Onward {
  /** The Contacts without push parameters, which concern nobody further on (P37). */
  readonly contacts: readonly string[];
  /** Feature-Caps values to add, so that others know that push is taken care of (P14). */
  readonly featureCaps: readonly string[];
}

/**
 * Looks at a REGISTER before it is relayed to another registrar.
 * @returns what to relay, or the answer that refuses it here (400, 403, 416, 423, 555)
 */
export function prepareUpstream(request: RegisterRequest, settings: DeviceSettings): Onward | RegisterAnswer {
  try {
    const services = new Set<PushService>();
    const contacts = request.contacts.map((text) => {
      if (text.trim() === '*') return '*';
      const contact = parseContact(text, settings);
      const asked = askedExpiry(contact.expires, request.expires, settings);
      if (asked > 0) {
        for (const service of decidePush(contact, request, asked, asked, settings).services) services.add(service);
      }
      return withoutPush(text, settings);
    });
    return { contacts, featureCaps: [...services].map((service) => featureCap(service)) };
  } catch (error) {
    if (error instanceof RegisterError) return refuse(error);
    throw error;
  }
}

/** The other registrar's 2xx. */
export interface UpstreamAnswer {
  /** Contact values, one each. */
  readonly contacts: readonly string[];
  /** Its Expires header. */
  readonly expires?: number;
}

/**
 * Takes the other registrar's 2xx: what it granted is what counts (P15), and only now a held call may go to the phone (P24).
 * The answer holds Contact, Feature-Caps, Path and so on as {@link DeviceRegistry.register} gives them; what else the
 * registrar said (Service-Route, P-Associated-URI, ...) is for the caller to pass on.
 */
export function confirmUpstream(
  registry: DeviceRegistry,
  request: RegisterRequest,
  answer: UpstreamAnswer,
): Promise<RegisterAnswer> {
  const listed = answer.contacts.flatMap((text) => {
    try {
      const { uri, params } = parseNameAddr(text);
      return [{ uri: parseUri(uri), expires: params.get('expires') }];
    } catch {
      return [];
    }
  });
  return registry.registerAsGranted(request, (contact: ParsedContact) => {
    const own = listed.find(({ uri }) => uriEquals(uri, contact.parsedUri));
    if (own === undefined) return 0;
    const seconds = own.expires ?? answer.expires ?? contact.expires ?? request.expires;
    return Math.max(0, Number.parseInt(String(seconds ?? 0), 10) || 0);
  });
}
