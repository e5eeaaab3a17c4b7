import type { Device, PushToken } from '../devices/types.js';
import { type CallFacts, voipPayload } from '../push/payload.js';
import type { PushOutcome, PushRequest } from '../push/provider.js';
import type { TokenPush } from './token-push.js';

/** What a wake needs to know of the call. */
export interface WakeOrder {
  readonly device: Device;
  readonly call: Omit<CallFacts, 'expiresAt'>;
  /** Epoch milliseconds at which the hold ends: the push is worth nothing after that. */
  readonly deadline: number;
  readonly stillWanted: () => boolean;
  /** See {@link PushRequest.onLeave}. */
  readonly onLeave?: () => void;
}

/** Sends the VoIP push of a call to a device. */
export class Waker {
  readonly #pushes: TokenPush;
  readonly #isSilent: (aor: string) => Promise<boolean>;
  readonly #refusalOf: (call: WakeOrder['call']) => string | undefined;

  /**
   * @param isSilent whether a user wants no calls now; may reject: then he is called
   * @param refusalOf why there is no push for that call, such as `CallerBudget`; undefined when there is one
   */
  constructor(
    pushes: TokenPush,
    isSilent: (aor: string) => Promise<boolean> = async () => false,
    refusalOf: (call: WakeOrder['call']) => string | undefined = () => undefined,
  ) {
    this.#pushes = pushes;
    this.#isSilent = isSilent;
    this.#refusalOf = refusalOf;
  }

  /** The token a call may wake this device with; undefined if it has none or its platform gets no pushes. */
  tokenFor(device: Device): PushToken | undefined {
    return this.#pushes.tokenFor(device, 'voip');
  }

  /** One push, tried in the other environment too if need be. Never rejects. */
  async wake(order: WakeOrder): Promise<PushOutcome> {
    const { call, ...rest } = order;
    const silent = await this.#isSilent(order.device.aor).catch(() => false);
    const reason = silent ? 'UserSilent' : this.#refusalOf(call);
    if (reason !== undefined) return { kind: 'refused', status: 0, reason, token: 'keep', attempts: 0 };
    const facts = { ...call, expiresAt: order.deadline };
    return this.#pushes.push('voip', {
      ...rest,
      callUuid: call.callUuid,
      payload: (to) => voipPayload(facts, to),
      expiresAt: order.deadline,
    });
  }
}
