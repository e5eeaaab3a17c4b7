import type { Clock } from '../clock/clock.js';
import { alertOf } from '../push/alert-payload.js';
import type { PushOutcome } from '../push/provider.js';
import type { MissedCall } from './incoming.js';
import { Timeline, type TimelineSink } from './timeline.js';
import type { TokenPush, TokenPushOrder } from './token-push.js';

/** Which alerts the operator wants. */
export interface AlertSettings {
  readonly missedCall: boolean;
  readonly answeredElsewhere: boolean;
  /** How long Apple keeps an alert for a phone that is switched off, in milliseconds. */
  readonly keep: number;
}

export interface AlerterOptions {
  readonly settings: AlertSettings;
  readonly pushes: TokenPush;
  readonly clock: Clock;
  readonly sink: TimelineSink;
  /** Why a user wants no alerts now; undefined when he may be told. Default: he may. */
  readonly silenceOf?: (aor: string) => Promise<string | undefined>;
}

/** How long an alert is tried. */
const PATIENCE = 60_000;

/** Tells devices that a call did not reach, by alert push, that it was missed or answered elsewhere. */
export class Alerter {
  readonly #options: AlerterOptions;

  constructor(options: AlerterOptions) {
    this.#options = options;
  }

  /** One alert to each of those devices that has an alert token, if the operator wants it. */
  tell({ why, devices, call }: MissedCall): void {
    const { settings, pushes, clock, sink } = this.#options;
    if (why === 'missed' ? !settings.missedCall : !settings.answeredElsewhere) return;
    const { callUuid, sessionId, face } = call;
    const timeline = new Timeline(callUuid, sessionId, clock, sink);
    const at = clock.now();
    const { callerName, callerNumber, calledNumber, privacy } = face;
    const alert = alertOf({
      kind: why === 'missed' ? 'missed-call' : why,
      callUuid,
      ...(callerName === undefined ? {} : { callerName }),
      ...(callerNumber === undefined ? {} : { callerNumber }),
      calledNumber,
      privacy,
      at,
    });
    for (const device of devices) {
      if (pushes.tokenFor(device, 'alert') === undefined) continue;
      timeline.record('alert-asked', { device: device.id, why });
      const order = {
        callUuid,
        device,
        ...alert,
        deadline: at + PATIENCE,
        expiresAt: at + Math.max(settings.keep, PATIENCE),
      };
      void this.#push(order).then((outcome) => {
        timeline.record(`alert-${outcome.kind}`, {
          device: device.id,
          ...('reason' in outcome ? { reason: outcome.reason } : {}),
        });
      });
    }
  }

  async #push(order: TokenPushOrder): Promise<PushOutcome> {
    const { pushes, silenceOf } = this.#options;
    if (silenceOf === undefined) return pushes.push('alert', order);
    const silence = await silenceOf(order.device.aor).catch(() => undefined);
    if (silence === undefined) return pushes.push('alert', order);
    return { kind: 'refused', status: 0, reason: silence, token: 'keep', attempts: 0 };
  }
}
