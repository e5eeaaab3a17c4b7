import type { Clock } from '../clock/clock.js';
import type { Device, PushToken } from '../devices/types.js';
import type {
  PushEnvironment,
  PushKind,
  PushOutcome,
  PushProvider,
  PushRequest,
  TokenVerdict,
} from '../push/provider.js';
import { anyRecipient, type Recipient } from '../push/recipient.js';

/** What a push to one of a device's tokens carries; the token gives the rest. */
export type TokenPushOrder = Pick<
  PushRequest,
  'deadline' | 'expiresAt' | 'priority' | 'collapseId' | 'stillWanted' | 'onLeave'
> & {
  /** Of a push for a call. */
  readonly callUuid?: string;
  readonly device: Device;
  /** The body, or what makes it with as much in it as the device's app may be told. */
  readonly payload: PushRequest['payload'] | ((to: Recipient) => PushRequest['payload']);
};

export interface TokenPushOptions {
  readonly provider: PushProvider;
  readonly clock: Clock;
  /** Which platforms get a push at all. */
  readonly platforms: readonly string[];
  /** Where a token whose environment is not known is tried first, by team. */
  readonly environmentOf: (teamId: string) => PushEnvironment | 'auto';
  /** How a device's app is told things. Default: in the clear. */
  readonly recipientOf?: (device: Device, token: PushToken) => Recipient;
  /** Whether a device may have one more push now, refreshes aside. */
  readonly mayPush?: (device: Device) => boolean | Promise<boolean>;
  /** Told what Apple said of a token; the push ends when that is stored, so that no later call uses a dead token. Never rejects. */
  readonly onVerdict: (device: Device, token: PushToken, verdict: Verdict) => Promise<void>;
  /** Told how each push ended. */
  readonly onOutcome?: (push: EndedPush) => void;
}

/** A push that has ended, for who counts them. */
export interface EndedPush {
  readonly kind: PushKind;
  readonly outcome: PushOutcome;
}

export interface Verdict {
  readonly token: TokenVerdict;
  readonly environment: PushEnvironment;
  /** Epoch milliseconds; Apple's own of a 410. */
  readonly at: number;
  /** The service's word for a refusal. */
  readonly reason?: string;
}

/** Pushes to a device's tokens, each in the environment that it belongs to. */
export class TokenPush {
  readonly #options: TokenPushOptions;

  constructor(options: TokenPushOptions) {
    this.#options = options;
  }

  /**
   * The device's token for pushes of that kind; undefined if it has none or its platform gets no pushes. A background push goes to
   * the app itself, as an alert does, never to PushKit's token.
   */
  tokenFor(device: Device, kind: PushKind): PushToken | undefined {
    if (!this.#options.platforms.includes(device.platform)) return undefined;
    return device.tokens.find((token) => token.kind === (kind === 'voip' ? 'voip' : 'alert'));
  }

  /** One push, in the other environment too when Apple says the token isn't of the first and nobody knew. Never rejects. */
  async push(kind: PushKind, order: TokenPushOrder): Promise<PushOutcome> {
    const token = this.tokenFor(order.device, kind);
    if (token === undefined) return unsent('NoToken');
    const may = kind === 'background' || (this.#options.mayPush?.(order.device) ?? true);
    // Not waited for where nobody else has to be asked: the push leaves in this turn.
    if (may === false || (may !== true && !(await may))) return unsent('DeviceBudget');
    const configured = this.#options.environmentOf(token.teamId);
    const guessed = token.environment === undefined && configured === 'auto';
    const first = token.environment ?? (configured === 'auto' ? 'production' : configured);
    const outcome = await this.#pushTo(kind, order, token, first);
    const wrong = outcome.kind === 'refused' && outcome.token === 'wrong-environment';
    if (!guessed || !wrong || order.stillWanted?.() === false) return outcome;
    return this.#pushTo(kind, order, token, first === 'production' ? 'sandbox' : 'production');
  }

  async #pushTo(
    kind: PushKind,
    order: TokenPushOrder,
    token: PushToken,
    environment: PushEnvironment,
  ): Promise<PushOutcome> {
    const { callUuid, device, payload, deadline, expiresAt, priority, collapseId, stillWanted, onLeave } = order;
    const { id: deviceId, aor } = device;
    const outcome = await this.#options.provider.push({
      deadline,
      expiresAt,
      priority,
      collapseId,
      stillWanted,
      onLeave,
      payload: isMade(payload) ? payload : payload(this.#options.recipientOf?.(device, token) ?? anyRecipient),
      ref: callUuid === undefined ? { deviceId, aor } : { callUuid, deviceId, aor },
      kind,
      token: token.token,
      environment,
      teamId: token.teamId,
      topic: token.kind === 'voip' ? `${token.bundleId}.voip` : token.bundleId,
      tokenRegisteredAt: token.seenAt,
    });
    this.#options.onOutcome?.({ kind, outcome });
    const verdict = outcome.kind === 'accepted' ? 'keep' : outcome.kind === 'refused' ? outcome.token : undefined;
    const at = (outcome.kind === 'refused' && outcome.unregisteredAt) || this.#options.clock.now();
    // Where the configuration says it for all tokens of the team, nobody needs to note it for each.
    const isNews = token.environment !== undefined || this.#options.environmentOf(token.teamId) === 'auto';
    const learned = outcome.kind === 'accepted' && isNews && token.environment !== environment;
    if (verdict !== undefined && (verdict !== 'keep' || learned)) {
      const reason = outcome.kind === 'refused' ? { reason: outcome.reason } : {};
      await this.#options.onVerdict(device, token, { token: verdict, environment, at, ...reason });
    }
    return outcome;
  }
}

function unsent(reason: string): PushOutcome {
  return { kind: 'refused', status: 0, reason, token: 'keep', attempts: 0 };
}

const isMade = (payload: TokenPushOrder['payload']): payload is PushRequest['payload'] => typeof payload !== 'function';
