/** Which of Apple's push services a device token belongs to. */
export type PushEnvironment = 'production' | 'sandbox';

/** `voip` for calls (PushKit), `alert` for what a person reads, `background` for a silent wake-up. */
export type PushKind = 'voip' | 'alert' | 'background';

/** One push to one device. */
export interface PushRequest {
  /** Who asked, for logs and the timeline; never sent. */
  readonly ref: { readonly callUuid?: string; readonly deviceId: string; readonly aor?: string };
  readonly kind: PushKind;
  /** Device token in hexadecimal, as the phone gave it. Secret. */
  readonly token: string;
  readonly environment: PushEnvironment;
  /** Apple's team id, ten characters: chooses the signing key. */
  readonly teamId: string;
  /** `apns-topic`: the bundle id, for VoIP with `.voip` at its end. */
  readonly topic: string;
  /** JSON-serialisable body, `aps` included. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds after which Apple may forget the push; undefined means one attempt (`apns-expiration: 0`). */
  readonly expiresAt?: number | undefined;
  /** 10, or 5 for what may wait. Default: 10 for voip and alert, 5 for background. */
  readonly priority?: 5 | 10 | undefined;
  readonly collapseId?: string | undefined;
  /** Epoch milliseconds after which the outcome no longer matters: the provider gives up then. */
  readonly deadline: number;
  /** Asked before each attempt; `false` ends the push as `withdrawn` (the call is over). */
  readonly stillWanted?: (() => boolean) | undefined;
  /** Called for each attempt when nothing but the kernel stands between it and the service: a process that dies before that has sent nothing. */
  readonly onLeave?: (() => void) | undefined;
  /** Epoch milliseconds of the registration that last named the token: a 410 older than that doesn't end it. */
  readonly tokenRegisteredAt?: number | undefined;
}

/** What became of the token: `dead` (forget it), `wrong-environment` (try the other host), `wrong-topic`, or nothing. */
export type TokenVerdict = 'keep' | 'dead' | 'wrong-environment' | 'wrong-topic';

/** How a push ended. Exactly one per {@link PushRequest}. */
export type PushOutcome =
  | {
      /** Apple answered 200: the push is on its way. */
      readonly kind: 'accepted';
      readonly apnsId: string;
      /** From the call of `push` to the moment the request left. */
      readonly queuedMs: number;
      /** From the request's leaving to Apple's answer. */
      readonly answerMs: number;
      readonly attempts: number;
    }
  | {
      /** Apple refused it for good, or the provider can't send it at all. */
      readonly kind: 'refused';
      readonly apnsId?: string;
      /** HTTP status, 0 when nothing was sent. */
      readonly status: number;
      /** Apple's reason (`BadDeviceToken`, `Unregistered`, ...) or the provider's own (`QueueFull`, `NoAccount`, ...). */
      readonly reason: string;
      readonly token: TokenVerdict;
      /** Apple's `timestamp` of a 410, epoch milliseconds. */
      readonly unregisteredAt?: number;
      readonly attempts: number;
    }
  | {
      /** Nobody answered, or only with temporary refusals, until the deadline. */
      readonly kind: 'unreachable';
      readonly reason: string;
      readonly attempts: number;
    }
  | { readonly kind: 'withdrawn'; readonly attempts: number };

/** A push service. Apple's is the one that is built; others may follow behind the same contract. */
export interface PushProvider {
  /** Never rejects: every end is an outcome. Settles at the request's deadline at the latest. */
  push(request: PushRequest): Promise<PushOutcome>;
  /** Connections, queue and last error, for the operator. Holds no secret. */
  status(): PushProviderStatus;
  /** Takes no new pushes, lets those under way end for a few seconds, then closes the connections. */
  close(): Promise<void>;
}

export interface PushProviderStatus {
  readonly provider: string;
  readonly queued: number;
  readonly inFlight: number;
  readonly connections: readonly { readonly host: string; readonly state: string; readonly streams: number }[];
  readonly lastError?: { readonly at: number; readonly text: string };
}
