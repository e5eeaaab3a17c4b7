/** Who sent a message or called. */
export interface Sender {
  /** What a person reads. */
  readonly name?: string;
  /** A SIP address, number or JID. */
  readonly address?: string;
}

/** A meeting that a user is asked to. */
export interface Invitation {
  readonly title: string;
  /** Who asks, for people. */
  readonly organiser?: string;
  /** Epoch milliseconds. */
  readonly start: number;
  /** Where a tap leads to. */
  readonly joinUrl?: string;
}

/** Messages waiting in a voice mailbox (RFC 3842 section 3.5). */
export interface VoicemailCounts {
  readonly new: number;
  readonly old: number;
}

interface Common {
  /** Names this notification; the same id again is the same notification. At most 128 characters, no secret. */
  readonly id: string;
  /** Whom it is for: `sip:2001@corp.example`. */
  readonly aor: string;
  /** Only this device of the user. */
  readonly deviceId?: string;
  /** A later notification of a conversation takes the place of an earlier one on the screen. */
  readonly conversation?: string | undefined;
  /** The number on the app's icon; undefined leaves it as it is. */
  readonly badge?: number | undefined;
  /** Epoch milliseconds after which nobody wants to read it any more. */
  readonly expiresAt?: number | undefined;
}

/** An instant message; it is told of, not delivered. */
export interface MessageNotification extends Common {
  readonly kind: 'message';
  readonly sender: Sender;
  readonly text?: string | undefined;
}

export interface InvitationNotification extends Common {
  readonly kind: 'invitation';
  readonly invitation: Invitation;
}

/** Without new messages only the badge changes. */
export interface VoicemailNotification extends Common {
  readonly kind: 'voicemail';
  readonly counts: VoicemailCounts;
  readonly sender?: Sender;
  /** Changes the badge only: nothing is shown or heard. */
  readonly silent?: boolean;
}

export interface MissedCallNotification extends Common {
  readonly kind: 'missed-call';
  readonly sender: Sender;
  readonly calledNumber?: string;
  /** Epoch milliseconds of the call. */
  readonly at: number;
}

/** Something that a person wants to read, be his phone awake or asleep. Each becomes an alert push at most, never a background or VoIP push. */
export type Notification =
  | MessageNotification
  | InvitationNotification
  | VoicemailNotification
  | MissedCallNotification;

export type NotificationKind = Notification['kind'];

/**
 * What became of a notification at one device:
 * `pushed`: Apple took the alert;
 * `active`: the app is in the foreground, so there was no push;
 * `other-active`: another device of the user is or was in use, and has it;
 * `muted`, `quiet`: the user wants no alerts (at this hour);
 * `expired`: nobody wants to read it any more;
 * `unreachable`: the device has no token for alerts, or Apple said that it is dead;
 * `failed`: Apple refused it, or could not be reached in time.
 */
export type NotifyOutcome =
  | 'pushed'
  | 'active'
  | 'other-active'
  | 'muted'
  | 'quiet'
  | 'expired'
  | 'unreachable'
  | 'failed';

export interface NotifyResult {
  /** The device's id. */
  readonly device: string;
  readonly outcome: NotifyOutcome;
  /** In words, for logs and people. Holds no token. */
  readonly reason: string;
}

export interface NotifyOptions {
  /** Milliseconds after which nobody waits for Apple any more; default 60,000. */
  readonly patience?: number;
  /** Devices that have it already, over SIP. */
  readonly delivered?: ReadonlySet<string>;
  /** Only these devices; the others count as far as they stand in for them. */
  readonly devices?: ReadonlySet<string>;
  /** The badge of a device, in place of the notification's. */
  readonly badgeOf?: (deviceId: string) => number | undefined;
  /** Asked before each attempt of a push; `false` withdraws it. */
  readonly stillWanted?: (deviceId: string) => boolean;
}

/** Tells a user's phones of something. */
export interface Notifier {
  /**
   * Decides for each device of the AOR and pushes where it has to; settles when all is decided, within `patience`. Empty: the AOR
   * (or the device named) is not known. Never rejects for what Apple or a phone does; rejects when the store fails. Doesn't remember ids: who may be
   * asked twice keeps the answer.
   */
  notify(notification: Notification, options?: NotifyOptions): Promise<readonly NotifyResult[]>;
}
