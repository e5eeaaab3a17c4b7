import type { Clock } from '../clock/clock.js';
import type { Device, PushToken } from '../devices/types.js';
import type { PushEnvironment, PushOutcome, PushProvider, TokenVerdict } from '../push/provider.js';

/** What a wake needs to know of the call. */
export interface WakeOrder {
  readonly callUuid: string;
  readonly device: Device;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds at which the hold ends: the push is worth nothing after that. */
  readonly deadline: number;
  readonly stillWanted: () => boolean;
}

export interface WakerOptions {
  readonly provider: PushProvider;
  readonly clock: Clock;
  /** Which platforms get a push at all. */
  readonly platforms: readonly string[];
  /** Where a token whose environment is not known is tried first, by team. */
  readonly environmentOf: (teamId: string) => PushEnvironment | 'auto';
  /** Told what Apple said of a token; the wake ends when that is stored, so that no later call uses a dead token. Never rejects. */
  readonly onVerdict: (device: Device, token: PushToken, verdict: Verdict) => Promise<void>;
}

export interface Verdict {
  readonly token: TokenVerdict;
  readonly environment: PushEnvironment;
  /** Epoch milliseconds; Apple's own of a 410. */
  readonly at: number;
}

/** Sends the VoIP push of a call to a device, in the environment that its token belongs to. */
export class Waker {
  readonly #options: WakerOptions;

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  /** The token a call may wake this device with; undefined if it has none or its platform gets no pushes. */
  tokenFor(device: Device): PushToken | undefined {
    if (!this.#options.platforms.includes(device.platform)) return undefined;
    return device.tokens.find((token) => token.kind === 'voip');
  }

  /** One push, in the other environment too when Apple says the token isn't of the first and nobody knew. Never rejects. */
  async wake(order: WakeOrder): Promise<PushOutcome> {
    const token = this.tokenFor(order.device);
    if (token === undefined) return { kind: 'refused', status: 0, reason: 'NoToken', token: 'keep', attempts: 0 };
    const configured = this.#options.environmentOf(token.teamId);
    const guessed = token.environment === undefined && configured === 'auto';
    const first = token.environment ?? (configured === 'auto' ? 'production' : configured);
    const outcome = await this.#push(order, token, first);
    if (!guessed || outcome.kind !== 'refused' || outcome.token !== 'wrong-environment' || !order.stillWanted()) {
      return outcome;
    }
    return this.#push(order, token, first === 'production' ? 'sandbox' : 'production');
  }

  async #push(order: WakeOrder, token: PushToken, environment: PushEnvironment): Promise<PushOutcome> {
    const outcome = await this.#options.provider.push({
      ref: { callUuid: order.callUuid, deviceId: order.device.id },
      kind: 'voip',
      token: token.token,
      environment,
      teamId: token.teamId,
      topic: `${token.bundleId}.voip`,
      payload: order.payload,
      expiresAt: order.deadline,
      deadline: order.deadline,
      stillWanted: order.stillWanted,
      tokenRegisteredAt: token.seenAt,
    });
    const verdict = outcome.kind === 'accepted' ? 'keep' : outcome.kind === 'refused' ? outcome.token : undefined;
    const at = (outcome.kind === 'refused' && outcome.unregisteredAt) || this.#options.clock.now();
    const learned = outcome.kind === 'accepted' && token.environment !== environment;
    if (verdict !== undefined && (verdict !== 'keep' || learned)) {
      await this.#options.onVerdict(order.device, token, { token: verdict, environment, at });
    }
    return outcome;
  }
}
