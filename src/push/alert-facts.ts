interface Common {
  /** Epoch milliseconds of what it tells of. */
  readonly at: number;
  /** What the app's icon shows from now on; absent: it stays as it is. */
  readonly badge?: number | undefined;
  /** Whom it is for, where a phone has several accounts: `sip:2001@corp.example`. */
  readonly aor?: string | undefined;
  /** Epoch milliseconds after which nobody wants to read it. */
  readonly expiresAt?: number | undefined;
}

/** A call that is over: missed, or taken by another device. */
export interface MissedCallFacts extends Common {
  readonly kind: 'missed-call' | 'answered-elsewhere';
  readonly callUuid: string;
  readonly callerName?: string | undefined;
  readonly callerNumber?: string | undefined;
  readonly calledNumber: string;
  /** The caller asked to stay unknown: name and number are left out. */
  readonly privacy: boolean;
}

/** An instant message that waits here. */
export interface MessageFacts extends Common {
  readonly kind: 'message';
  /** Names the message: a second alert with the same takes the place of the first. */
  readonly id: string;
  readonly senderName?: string | undefined;
  /** Address: a SIP URI, a number, a JID. */
  readonly sender?: string | undefined;
  /**
   * A room or thread: its notifications are stacked, and a later one takes the place of an earlier one. Default: stacked by sender,
   * each on its own.
   */
  readonly conversation?: string | undefined;
  /** What it says, as plain text. Absent: "New message". */
  readonly text?: string | undefined;
}

/** An invitation to a meeting or a conference. */
export interface InvitationFacts extends Common {
  readonly kind: 'invitation';
  /** Names the invitation: a change of it takes the place of the first. */
  readonly id: string;
  readonly senderName?: string | undefined;
  readonly sender?: string | undefined;
  readonly subject?: string | undefined;
  /** Epoch milliseconds. */
  readonly startsAt?: number | undefined;
  /** URI to join; left out when it doesn't fit, never cut. */
  readonly link?: string | undefined;
}

/** Voice messages that wait in the mailbox. */
export interface VoicemailFacts extends Common {
  readonly kind: 'voicemail';
  readonly id?: string | undefined;
  readonly callerName?: string | undefined;
  readonly callerNumber?: string | undefined;
  /** How many are new. */
  readonly newMessages?: number | undefined;
  readonly oldMessages?: number | undefined;
  /** Changes the badge only: nothing is shown or heard. */
  readonly silent?: boolean | undefined;
  readonly durationMs?: number | undefined;
  readonly privacy: boolean;
}

/** What an alert push may be about. */
export type AlertFacts = MissedCallFacts | MessageFacts | InvitationFacts | VoicemailFacts;
