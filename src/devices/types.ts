import type { PushEnvironment } from '../push/provider.js';

export type Platform = 'iphone' | 'ipad' | 'other';

/** `active`: reachable over SIP now; `suspended`: registered, but asleep; `unregistered`: no binding, a token is known; `unreachable`: neither. */
export type DeviceState = 'active' | 'suspended' | 'unregistered' | 'unreachable';

/** One push token of a device (RFC 8599 section 10: pn-param = team, bundle id, service). */
export interface PushToken {
  readonly kind: 'voip' | 'alert';
  /** Hexadecimal, lower case. Secret. */
  readonly token: string;
  readonly teamId: string;
  readonly bundleId: string;
  /** Undefined until Apple's answers have told. */
  readonly environment?: PushEnvironment;
  /** Environments whose host has refused it as not its own. */
  readonly refusedIn?: readonly PushEnvironment[];
  /** Who named it last; absent means a REGISTER. A REGISTER without a token ends only what a REGISTER named. */
  readonly origin?: 'register' | 'api';
  /** Epoch milliseconds of the last REGISTER (or API call) that named it. */
  readonly seenAt: number;
}

/** How a REGISTER's Contact came to look as it does. */
export type BindingMode = 'path' | 'rewrite' | 'direct';

/** One registered Contact of a device. */
export interface Binding {
  /** Contact URI with pn-* parameters removed: the Request-URI of a leg. */
  readonly uri: string;
  /** The Contact as the phone gave it, without `expires`, for the answers to its own REGISTERs. Holds the push token: secret. */
  readonly contact?: string;
  /** The Path vector in order (RFC 3327), each a name-addr such as `<sip:edge.example;lr>`: the Route set of a leg. Empty without one. */
  readonly path: readonly string[];
  readonly mode: BindingMode;
  /** Epoch milliseconds. */
  readonly registeredAt: number;
  readonly expiresAt: number;
  readonly callId: string;
  readonly cseq: number;
  readonly regId?: number;
  /** URIs that this Contact took the place of, the latest last: an unregister of one of them is old news. */
  readonly formerUris?: readonly string[];
  /** The phone refreshes by itself only when pushed (`+sip.pnsreg`, RFC 8599 section 5.5). */
  readonly pnsreg?: boolean;
  /** Route to the node that the phone is connected to (RFC 5626 section 5.2), for other nodes of the site. Secret. */
  readonly flow?: string;
  /** 0 to 1, default 1. */
  readonly q: number;
  /** Where the REGISTER came from: `udp/192.0.2.1:5060`. */
  readonly source: string;
}

/** One phone of an AOR. Plain data, stored as it is. */
export interface Device {
  /** Stable over re-registrations: `+sip.instance` without `urn:uuid:` and brackets, else a hash of pn-prid, else of the Contact. */
  readonly id: string;
  /** `sip:2001@corp.example`, canonical. */
  readonly aor: string;
  /** The `+sip.instance` of its last REGISTER. Not the id if the phone was known by something else before. */
  readonly instance?: string;
  readonly platform: Platform;
  readonly userAgent?: string;
  /** Cisco's `+u.sip!devicename.ccm.cisco.com`, for the operator. */
  readonly deviceName?: string;
  readonly bindings: readonly Binding[];
  readonly tokens: readonly PushToken[];
  /** AES-256 key that the app gave, 32 bytes in base64url: payloads of pushes to it are sealed with it. Secret. */
  readonly encryptionKey?: string;
  /** The app's name for that key, sent with what is sealed. */
  readonly encryptionKeyId?: string;
  /** The phone's own last word (`foreground` or `background`), if it says any. */
  readonly word?: { readonly state: 'foreground' | 'background'; readonly at: number };
  /** What a call or a flow has shown since the last REGISTER, such as "no answer to INVITE". */
  readonly asleep?: { readonly reason: string; readonly at: number };
  /** Epoch milliseconds when it was last known to be in use: its app in the foreground, or nothing said about that. */
  readonly activeAt?: number;
  /** Epoch milliseconds of the last accepted REGISTER. */
  readonly seenAt: number;
}

/** A device's state with the reason for it, in words for logs and people. */
export interface StateOf {
  readonly state: DeviceState;
  readonly reason: string;
}

/** The same while it is being made. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a REGISTER says, taken apart; `sip/` makes it from the request. */
export interface RegisterRequest {
  readonly aor: string;
  readonly callId: string;
  readonly cseq: number;
  /** Contact header values, one each, unparsed; `*` alone means "all". */
  readonly contacts: readonly string[];
  /** The Expires header's value, undefined without one. */
  readonly expires?: number;
  readonly path: readonly string[];
  /** `Supported` option tags, lower case. */
  readonly supported: readonly string[];
  /** Feature-Caps header values of the request (RFC 6809). */
  readonly featureCaps: readonly string[];
  readonly userAgent?: string;
  /** Value of the configured state header, if the request has one. */
  readonly stateHeader?: string;
  /** Value of the configured key header, if the request has one. Secret. */
  readonly keyHeader?: string;
  /** `udp/192.0.2.1:5060` */
  readonly source: string;
  /** The source address is one of the configured edges. */
  readonly fromEdge: boolean;
  /** Route by which other nodes of the site reach its sender over this node. */
  readonly flow?: string | undefined;
}

/** The answer to a REGISTER, to be put on the wire as it is. Nothing was stored unless `status` is 200. */
export interface RegisterAnswer {
  readonly status: number;
  readonly reason: string;
  /** Header name and value, in order; Contact, Expires, Path, Feature-Caps, Flow-Timer, Min-Expires, Warning ... */
  readonly headers: readonly (readonly [string, string])[];
  /** Devices that this REGISTER (re-)registered: those that a held call may now be handed to. */
  readonly registered: readonly Device[];
}
