import type { Clock } from '../clock/clock.js';
import type { RefreshDue } from '../devices/refresh.js';
import type { PushOutcome } from '../push/provider.js';
import type { TokenPush } from './token-push.js';

/** What became of the refresh of one binding, for the log. */
export interface RefreshEvent {
  readonly aor: string;
  readonly device: string;
  /** `no-token`: the phone named no token that a background push can go to. */
  readonly outcome: PushOutcome['kind'] | 'no-token';
  readonly reason?: string;
  /** Milliseconds that the binding had left when the push was asked for. */
  readonly left: number;
}

export interface RefresherOptions {
  readonly pushes: TokenPush;
  readonly clock: Clock;
  readonly onEvent: (event: RefreshEvent) => void;
}

/**
 * Asks phones to refresh bindings that end soon (RFC 8599 section 5.5). With Apple that is a background push to the app's alert
 * token: a VoIP push has to be a call, or iOS ends the app (PushKit, "Responding to VoIP notifications"). Apple delivers
 * background pushes when it sees fit, a few an hour at most, so that a refresh may be missed; a call still wakes the phone.
 */
export class Refresher {
  readonly #options: RefresherOptions;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** One push for one binding; none any more, also not from Apple's own queue, once the binding has ended. */
  async refresh({ device, binding, stillDue }: RefreshDue): Promise<void> {
    const { pushes, clock, onEvent } = this.#options;
    const about = { aor: device.aor, device: device.id, left: binding.expiresAt - clock.now() };
    if (pushes.tokenFor(device, 'background') === undefined) return onEvent({ ...about, outcome: 'no-token' });
    const outcome = await pushes.push('background', {
      device,
      payload: {
        aps: { 'content-available': 1 },
        callwake: { v: 1, type: 'refresh', expiresAt: binding.expiresAt },
      },
      deadline: binding.expiresAt,
      expiresAt: binding.expiresAt,
      collapseId: 'callwake.refresh',
      stillWanted: stillDue,
    });
    onEvent({ ...about, outcome: outcome.kind, ...('reason' in outcome && { reason: outcome.reason }) });
  }
}
