import { Networks } from '../grammar/networks.js';
import type { Platform } from './types.js';

/** A push service that callwake offers in Feature-Caps (RFC 8599 section 5.4). */
export interface PushService {
  /** The `pn-provider` value, such as `apns`. */
  readonly provider: string;
  /** VAPID public key (RFC 8292), where the service uses one. */
  readonly vapid?: string;
}

/** How the registrar and the states of devices behave. Durations are milliseconds. */
export interface DeviceSettings {
  /** A phone that was silent for longer is taken for asleep. */
  readonly awakeFor: number;
  /** How long a push token is kept after the last REGISTER (or API call) that named it. */
  readonly tokenRetention: number;
  readonly minExpires: number;
  readonly maxExpires: number;
  readonly defaultExpires: number;
  /** Up to this part (0 to 0.5) is taken off each granted expiry at random, so that phones don't all refresh at once. */
  readonly expiresJitter: number;
  /** Bindings, and devices, that one AOR may have. */
  readonly maxContacts: number;
  /** Contact parameter in which a phone says `foreground` or `background`. */
  readonly stateParameter: string;
  /** Header for the same. */
  readonly stateHeader: string;
  /** Contact parameter in which a phone says `iphone`, `ipad` or `other`. */
  readonly platformParameter: string;
  /** Contact parameter in which an app gives its AES-256 key for payloads, 32 bytes in base64url; with `-id` at its end, the key's name. */
  readonly keyParameter: string;
  /** Header for the same, `<key>` or `<key>;id=<name>`. */
  readonly keyHeader: string;
  readonly pushPlatforms: readonly Platform[];
  /** Bindings listed in a 200: all of the AOR (RFC 3261 10.3), or only those of the phone that asks, as CUCM does. */
  readonly answerContacts: 'all' | 'own';
  readonly pushServices: readonly PushService[];
  /** Apps whose tokens are taken: Apple team and its bundle ids, all of them when empty. Undefined: any app. */
  readonly apps?: readonly { readonly teamId: string; readonly bundleIds: readonly string[] }[];
  /** Team id for legacy parameters (`pn-tok`, `app-id`), which don't carry one. */
  readonly legacyTeamId: string;
  /** P6, P7: how long before a binding's end a refresh push is due. Also what makes an expiry too short for push (P13). */
  readonly refreshLead: number;
  /** P6, P7: tell `onRefreshDue` listeners about bindings that end soon. */
  readonly refreshPushes: boolean;
  /**
   * P3: a phone without instance that comes with a known push token from another address is the phone of that token. Off: it is
   * a new one, which takes the token with it, and the old one stays until it expires.
   */
  readonly tokenMatchesAnyAddress: boolean;
  /** Flow-Timer of phones that register directly with outbound (RFC 5626 section 4.4.1), in milliseconds; 0 leaves it out. */
  readonly flowTimer: number;
  /**
   * A phone that a call waits for gets its 200, and with it the call, before its registration is on disk, if its tokens are there
   * already. Off: no 200 leaves before the disk has the registration.
   */
  readonly ringBeforeStored: boolean;
  /** P8 says a token ends with its binding; the mission says a phone whose binding ran out can still be woken. */
  readonly tokenOutlivesBinding: boolean;
  /** P8, P41: an unregister (Expires 0) ends the device's tokens too. */
  readonly unregisterEndsToken: boolean;
  /** P9, P10: a REGISTER without pn-prid ends the tokens that earlier REGISTERs of that device named. */
  readonly registerWithoutTokenEndsToken: boolean;
  /** P12, P19: nobody further on supports other push services, so 555 may be said. Otherwise they register as plain SIP. */
  readonly allow555: boolean;
  /** P13: what becomes of a REGISTER with push whose expiry is too short: 423, registered without push, or taken as it is. */
  readonly shortPushExpiry: 'refuse' | 'skip' | 'accept';
  /** P17: the `sip.pnsreg` value in seconds, above 120; 0 leaves it out (callwake then has to push for each refresh). */
  readonly pnsregSeconds: number;
  /** P32: 32 bytes with which PURRs are made; without it none are given. */
  readonly purrKey?: Uint8Array;
  /** P38: a REGISTER with push parameters must come over TLS, from an edge or from `cleartextNetworks`. Off only for a lab. */
  readonly requireSecureTransport: boolean;
  /** P38: addresses whose phones may send push parameters in clear: this machine, and networks that others keep private (IPsec, VPN). */
  readonly cleartextNetworks: Networks;
  /** How many REGISTERs may wait for each other on one AOR before the next gets 503. */
  readonly maxQueuedPerAor: number;
  /** How often expired bindings and old tokens are cleared away. */
  readonly sweepInterval: number;
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** What never leaves the machine. */
export const OWN_MACHINE: readonly string[] = ['127.0.0.0/8', '::1'];

/** What holds where nothing else is said. */
export const DEFAULT_SETTINGS: DeviceSettings = {
  awakeFor: 30 * SECOND,
  tokenRetention: 30 * DAY,
  minExpires: 60 * SECOND,
  maxExpires: DAY,
  defaultExpires: 3600 * SECOND,
  expiresJitter: 0.1,
  maxContacts: 10,
  stateParameter: 'app-state',
  stateHeader: 'X-App-State',
  platformParameter: 'app-platform',
  keyParameter: 'app-key',
  keyHeader: 'X-App-Key',
  pushPlatforms: ['iphone', 'ipad'],
  answerContacts: 'all',
  pushServices: [{ provider: 'apns' }],
  legacyTeamId: '',
  refreshLead: 120 * SECOND,
  refreshPushes: false,
  tokenMatchesAnyAddress: true,
  flowTimer: 120 * SECOND,
  ringBeforeStored: true,
  tokenOutlivesBinding: true,
  unregisterEndsToken: true,
  registerWithoutTokenEndsToken: true,
  allow555: false,
  shortPushExpiry: 'refuse',
  pnsregSeconds: 130,
  requireSecureTransport: true,
  cleartextNetworks: new Networks(OWN_MACHINE),
  maxQueuedPerAor: 32,
  sweepInterval: 30 * SECOND,
};

/** Fills in the defaults. */
export function deviceSettings(given: Partial<DeviceSettings> = {}): DeviceSettings {
  return { ...DEFAULT_SETTINGS, ...given };
}
