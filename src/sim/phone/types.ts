import type { Clock } from '../../clock/clock.js';
import type { PushKind } from '../../push/provider.js';
import type { ServerAddress } from '../address.js';
import type { SimEvent } from '../ua/events.js';
import type { TlsSettings } from '../ua/stack.js';

/** What the phone does with a push and a call. */
export interface PhoneBehaviour {
  /** From the push to the first REGISTER; default 1500 (a sleeping iPhone takes one to three seconds). */
  readonly wakeDelayMs?: number;
  /** From the INVITE to 180; default 0. */
  readonly ringDelayMs?: number;
  /** From 180 to the final response; default 1000. */
  readonly answerDelayMs?: number;
  /** `busy`: 486; `decline`: 603; a number: that final status; `ignore`: rings on; `mute`: no response at all after the transaction's own 100. Default true. */
  readonly answer?: boolean | 'busy' | 'decline' | 'ignore' | 'mute' | number;
  /** On each response to an INVITE but the 100; default none. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly hangupAfterMs?: number;
  /** Asks for PRACK on 180 (RFC 3262) when the caller supports 100rel. */
  readonly reliable?: boolean;
  /** SDP in the 180 already. */
  readonly earlyMedia?: boolean;
  /** How many REGISTERs a push leads to (RFC 8599 section 4.1.3 lets a phone refresh all bindings); default 1. */
  readonly registersPerPush?: number;
  /** Ignores every push (the user has force-closed the app). */
  readonly deaf?: boolean;
}

export interface PhoneSimulatorOptions {
  /** `sip:2001@corp.example` */
  readonly aor: string;
  /** Where the phone sends everything: the edge, or the registrar itself. */
  readonly server: ServerAddress;
  /** `+sip.instance` URN, with or without `urn:uuid:`; default random. */
  readonly instance?: string;
  readonly platform?: 'iphone' | 'ipad';
  readonly userAgent?: string;
  /** `+u.sip!devicename.ccm.cisco.com`, such as `TCTUSER1`. */
  readonly deviceName?: string;
  /** PushKit token, hexadecimal; default random. `null`: the phone says nothing about pushes. */
  readonly voipToken?: string | null;
  /** Token for alert pushes: then pn-prid is `<voip>:voip&<alert>:remote`, as Linphone writes it. */
  readonly alertToken?: string;
  /** Default `ABCDE12345`. */
  readonly teamId?: string;
  /** Default `com.example.phone`. */
  readonly bundleId?: string;
  /** The Apple simulator's phone port. Without it pushes come only by {@link PhoneSimulator.receivePush}. */
  readonly pushes?: { readonly host: string; readonly port: number };
  /** Which of Apple's services the tokens are good for; default production. */
  readonly environment?: 'production' | 'sandbox';
  readonly behaviour?: PhoneBehaviour;
  /** Registration interval asked for, seconds; default 3600. */
  readonly expires?: number;
  /** Says in INVITEs, and in responses to them, that it is somebody else: `<sip:boss@corp.example>`; default nothing. */
  readonly asserts?: string;
  /** Its Contact is sips (RFC 5630); default false. */
  readonly sips?: boolean;
  /** reg-id (RFC 5626), default 1. `null`: none. */
  readonly regId?: number | null;
  /** Says that it can refresh its registration by itself: `+sip.pnsreg` (RFC 8599 section 4.1.2); default false. */
  readonly pnsreg?: boolean;
  /** AES-256 key for payloads of pushes, 32 bytes in base64url, given with `app-key` on Contact; default none. */
  readonly encryptionKey?: string;
  /** Says foreground or background with `app-state` on Contact; default true. */
  readonly saysState?: boolean;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Own address, default 127.0.0.1. */
  readonly address?: string;
  /** Needed for TLS: key and certificate of this side, and the authorities that it trusts. */
  readonly tls?: TlsSettings | undefined;
  readonly clock?: Clock;
}

export type PhoneEvent = SimEvent &
  (
    | {
        readonly type: 'pushed';
        readonly kind: PushKind;
        readonly callUuid?: string;
        readonly payload: unknown;
      }
    | { readonly type: 'registering'; readonly state: 'foreground' | 'background'; readonly expires: number }
    | { readonly type: 'registered'; readonly state: 'foreground' | 'background'; readonly expires: number }
    | { readonly type: 'unregistered' }
    | { readonly type: 'register-failed'; readonly status: number; readonly reason: string }
    | {
        readonly type: 'invited';
        readonly callId: string;
        readonly callUuid?: string;
        readonly from: string;
        readonly displayName?: string;
        readonly offer: boolean;
      }
    | { readonly type: 'calling'; readonly callId: string; readonly to: string }
    | { readonly type: 'ringing'; readonly callId: string; readonly callUuid?: string }
    | { readonly type: 'answered'; readonly callId: string; readonly callUuid?: string }
    | { readonly type: 'cancelled'; readonly callId: string; readonly callUuid?: string; readonly reason?: string }
    | {
        readonly type: 'ended';
        readonly callId: string;
        readonly callUuid?: string;
        readonly how: string;
        readonly status?: number;
        readonly reason?: string;
      }
    /** A NOTIFY outside of any dialog, such as message-summary. */
    | { readonly type: 'notified'; readonly event: string; readonly contentType: string; readonly body: string }
    | { readonly type: 'message'; readonly from: string; readonly contentType: string; readonly body: string }
    /** The phone went to sleep: its flow is closed. `said`: it told the registrar first. */
    | { readonly type: 'asleep'; readonly said: boolean }
    | { readonly type: 'fault'; readonly text: string }
  );
