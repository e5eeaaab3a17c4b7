import type { Clock, Timer } from '../clock/clock.js';
import type { Binding, Device, StateOf } from '../devices/types.js';
import type { PushOutcome } from '../push/provider.js';
import { bestBinding, Leg } from './leg.js';
import { bestResponse, type CallPolicy, type EndReason, saysNotReached } from './policy.js';
import { type BranchResponse, type CallPort, REASONS, type RejectOptions } from './port.js';
import type { Timeline } from './timeline.js';

/** What is known of a call when its INVITE comes. */
export interface CallInfo {
  readonly callUuid: string;
  readonly sessionId?: string;
  readonly callId: string;
  /** Whom it is for. */
  readonly aor: string;
  /** Name of the trunk it came from. */
  readonly trunk: string;
  /** The INVITE's Expires in milliseconds. */
  readonly expires?: number;
  /** It is for this device only, not for all of the AOR: the request named it (RFC 8599 section 6, RFC 3327). */
  readonly deviceId?: string;
}

/** What a call asks of the rest. */
export interface CallContext {
  readonly clock: Clock;
  readonly policy: CallPolicy;
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly stateOf: (device: Device) => StateOf;
  readonly canWake: (device: Device) => boolean;
  readonly wake: (device: Device, deadline: number, stillWanted: () => boolean) => Promise<PushOutcome>;
  /** A call has seen that an `active` device sleeps. */
  readonly noteAsleep: (device: Device, reason: string) => void;
  /** Devices that were pushed and never rung: their CallKit shows a call that is over. */
  readonly onLeftWaking: (devices: readonly Device[], reason: string) => void;
  /** The call is up, with this device. */
  readonly onUp: (device: Device) => void;
  readonly onEnd: (reason: EndReason) => void;
}

/** `held`: no phone rings; `ringing`: at least one did; `up`: answered and joined; `over`. */
export type CallState = 'held' | 'ringing' | 'up' | 'over';

/**
 * One call from the trunk: which device is pushed, rung, cancelled or given up, and when (design: late forking).
 * Knows nothing of SIP beyond status codes; all it does goes through its {@link CallPort}.
 */
export class Call {
  readonly #context: CallContext;
  readonly #legs = new Map<string, Leg>();
  readonly #responses: BranchResponse[] = [];
  readonly #pushFailures: string[] = [];
  readonly #timers = new Map<string, Timer>();
  readonly #holdUntil: number;
  #state: CallState = 'held';
  #holdOver = false;
  #starting = false;

  constructor(
    readonly info: CallInfo,
    context: CallContext,
  ) {
    this.#context = context;
    this.#holdUntil = context.clock.now() + context.policy.hold;
  }

  get state(): CallState {
    return this.#state;
  }

  get legs(): readonly Leg[] {
    return [...this.#legs.values()];
  }

  /** Rings the awake and pushes the sleeping among the AOR's devices, and starts the clocks. */
  start(devices: readonly Device[]): void {
    if (this.#state === 'over') return;
    const { policy } = this.#context;
    this.#set('hold', policy.hold, () => this.#onHoldOver());
    this.#set('ring', Math.min(policy.ring, this.info.expires ?? policy.ring), () => this.#onRingOver());
    if (policy.ringback !== 'none') this.#set('ringback', policy.ringbackAfter, () => this.#onRingback());
    this.#starting = true;
    for (const device of devices) if (this.#concerns(device)) this.#admit(device);
    this.#starting = false;
    this.#settle();
  }

  /** A REGISTER of this device was accepted and its 200 is on its way. */
  deviceRegistered(device: Device): void {
    if ((this.#state !== 'held' && this.#state !== 'ringing') || !this.#concerns(device)) return;
    const leg = this.#legs.get(device.id);
    if (leg === undefined) {
      this.#admit(device);
      return;
    }
    leg.device = device;
    const binding = bestBinding(device.bindings);
    if (leg.state !== 'waking' || binding === undefined) {
      this.#record('register-no-leg', { device: device.id, leg: leg.state });
      return;
    }
    this.#record('device-woke', { device: device.id, mode: binding.mode });
    this.#invite(leg, binding);
  }

  /** The REGISTER of this device was refused for good: it won't come (RFC 8599 section 5.6.2). */
  deviceRefused(deviceId: string, status: number): void {
    const leg = this.#legs.get(deviceId);
    if (leg?.state !== 'waking' || (this.#state !== 'held' && this.#state !== 'ringing')) return;
    this.#record('register-refused', { device: deviceId, status });
    leg.to('ended');
    this.#settle();
  }

  /** The caller sent CANCEL (and has its 487). `reason` is its Reason header, if it gave one. */
  cancelled(reason?: string): void {
    if (this.#state !== 'held' && this.#state !== 'ringing') return;
    this.#record('cancelled', { reason });
    this.#finish('cancelled', reason ?? REASONS.cancelled);
  }

  /** One of the two sides of an answered call hung up, or it ended otherwise. */
  hungUp(by: string): void {
    if (this.#state !== 'up') return;
    this.#record('hung-up', { by });
    this.#finish('answered', REASONS.completedElsewhere);
  }

  /** Ends the call from our side: 503 upstream, or, when it is up, nothing more than forgetting it. */
  abort(reason: 'shutdown' | 'failed', text: string): void {
    if (this.#state === 'over') return;
    if (this.#state !== 'up') this.#reject(503, 'Service Unavailable', { retryAfter: 5 });
    this.#record('aborted', { reason, text });
    this.#finish(reason, REASONS.shutdown);
  }

  #concerns({ id }: Device): boolean {
    return this.info.deviceId === undefined || this.info.deviceId === id;
  }

  #admit(device: Device): void {
    const { state, reason } = this.#context.stateOf(device);
    const binding = bestBinding(device.bindings);
    const canWake = this.#context.canWake(device);
    if (binding !== undefined && (state === 'active' || !canWake)) {
      this.#record('device', { device: device.id, platform: device.platform, state, reason, action: 'ring' });
      const leg = new Leg(device, 'inviting');
      this.#legs.set(device.id, leg);
      this.#startBranch(leg, binding);
    } else if (canWake) {
      this.#record('device', { device: device.id, platform: device.platform, state, reason, action: 'wake' });
      const leg = new Leg(device, 'waking');
      this.#legs.set(device.id, leg);
      this.#push(leg);
    } else {
      this.#record('device', { device: device.id, platform: device.platform, state, reason, action: 'nothing' });
    }
  }

  #invite(leg: Leg, binding: Binding): void {
    leg.to('inviting');
    this.#startBranch(leg, binding);
  }

  #startBranch(leg: Leg, binding: Binding): void {
    leg.use(binding);
    const attempt = ++leg.attempt;
    const mine = (): boolean => leg.attempt === attempt && leg.live && this.#state !== 'over';
    this.#record('leg-invited', { device: leg.device.id, mode: binding.mode, uri: binding.uri });
    const { probe } = this.#context.policy;
    if (probe > 0) this.#set(probeOf(leg), probe, () => this.#onNoSignOfLife(leg));
    leg.branch = this.#context.port.startBranch(leg.device, binding, {
      provisional: (response) => mine() && this.#onProvisional(leg, response),
      answered: (response) => this.#onAnswered(leg, attempt, response),
      failed: (response) => mine() && this.#onFailed(leg, response),
    });
  }

  #push(leg: Leg): void {
    const { device } = leg;
    leg.pushed = true;
    this.#record('push-asked', { device: device.id });
    const stillWanted = (): boolean => leg.state === 'waking' && this.#state !== 'over' && this.#state !== 'up';
    void this.#context.wake(device, this.#holdUntil, stillWanted).then((outcome) => this.#onPushed(leg, outcome));
  }

  #onPushed(leg: Leg, outcome: PushOutcome): void {
    const failed = outcome.kind === 'refused' || outcome.kind === 'unreachable';
    this.#record(`push-${outcome.kind}`, {
      device: leg.device.id,
      ...('apnsId' in outcome ? { apnsId: outcome.apnsId } : {}),
      ...('reason' in outcome ? { reason: outcome.reason } : {}),
      ...('status' in outcome ? { status: outcome.status } : {}),
      ...('answerMs' in outcome ? { answerMs: Math.round(outcome.answerMs) } : {}),
      attempts: outcome.attempts,
    });
    if (!failed || leg.state !== 'waking' || this.#state === 'over' || this.#state === 'up') return;
    this.#pushFailures.push(outcome.reason);
    leg.to('ended');
    this.#settle();
  }

  #onProvisional(leg: Leg, response: BranchResponse): void {
    this.#clear(probeOf(leg));
    this.#record('leg-provisional', { device: leg.device.id, status: response.status });
    if (leg.state === 'inviting') leg.to('ringing');
    if (this.#state === 'held') this.#state = 'ringing';
    this.#clear('ringback');
    this.#context.port.provisional(response.status, response.reason, response);
  }

  #onAnswered(leg: Leg, attempt: number, response: BranchResponse): void {
    if (leg.attempt !== attempt || !leg.live || this.#state === 'over' || this.#state === 'up' || !leg.branch) {
      return;
    }
    const { branch } = leg;
    this.#clear(probeOf(leg));
    leg.to('answered');
    this.#record('leg-answered', { device: leg.device.id, status: response.status });
    this.#state = 'up';
    this.#endLegs(REASONS.completedElsewhere);
    this.#clearAll();
    this.#context.onUp(leg.device);
    this.#context.port.connect(branch, response);
  }

  #onFailed(leg: Leg, response: BranchResponse): void {
    const rang = leg.state === 'ringing';
    this.#clear(probeOf(leg));
    this.#record('leg-failed', {
      device: leg.device.id,
      status: response.status,
      reason: response.reason,
      ...(response.local ? { local: true } : {}),
    });
    leg.final = response;
    if (!rang && saysNotReached(response) && this.#tryAgain(leg, `${response.status} to INVITE`)) return;
    leg.to('ended');
    this.#responses.push(response);
    if (response.status >= 600) {
      this.#record('rejected-everywhere', { status: response.status });
      this.#reject(response.status, response.reason, { from: response });
      this.#finish('rejected', REASONS.declinedElsewhere);
      return;
    }
    this.#settle();
  }

  #onNoSignOfLife(leg: Leg): void {
    if (leg.state !== 'inviting' || this.#state === 'over' || this.#state === 'up') return;
    const { branch } = leg;
    if (leg.untried() === undefined && (leg.pushed || !this.#context.canWake(leg.device))) return;
    this.#record('no-sign-of-life', { device: leg.device.id });
    branch?.cancel(REASONS.noSignOfLife);
    if (!this.#tryAgain(leg, 'no answer to INVITE')) leg.to('ended');
  }

  /** Another flow of the device, or a push if there has been none: the INVITE so far is dead. */
  #tryAgain(leg: Leg, why: string): boolean {
    const next = leg.untried();
    if (next !== undefined) {
      this.#invite(leg, next);
      return true;
    }
    if (!this.#context.canWake(leg.device) || this.#holdOver) return false;
    this.#context.noteAsleep(leg.device, why);
    if (leg.pushed) return false;
    leg.to('waking');
    leg.attempt++;
    this.#push(leg);
    return true;
  }

  #onRingback(): void {
    const { ringback } = this.#context.policy;
    if (this.#state !== 'held' || ringback === 'none') return;
    this.#record('ringback', { status: ringback });
    this.#context.port.provisional(ringback, RINGBACK[ringback]);
  }

  #onHoldOver(): void {
    this.#holdOver = true;
    if (this.#state !== 'held' && this.#state !== 'ringing') return;
    this.#record('hold-over');
    this.#settle();
  }

  #onRingOver(): void {
    if (this.#state !== 'held' && this.#state !== 'ringing') return;
    this.#record('ring-over');
    const best = bestResponse(this.#responses);
    this.#reject(best?.status ?? 480, best?.reason ?? 'Temporarily Unavailable', best ? { from: best } : {});
    this.#finish('no-answer', REASONS.noAnswer);
  }

  /** Ends the call if nothing can come of it any more. */
  #settle(): void {
    if (this.#starting || (this.#state !== 'held' && this.#state !== 'ringing')) return;
    const legs = this.legs;
    if (legs.some((leg) => leg.live)) return;
    if (!this.#holdOver && legs.some((leg) => leg.state === 'waking')) return;
    const best = bestResponse(this.#responses);
    if (best !== undefined) {
      this.#reject(best.status, best.reason, { from: best });
      this.#finish('rejected', REASONS.noAnswer);
      return;
    }
    const { answer, contact } = this.#context.policy.whenNotWoken;
    this.#reject(answer, NOT_WOKEN[answer] ?? 'Temporarily Unavailable', contact === undefined ? {} : { contact });
    this.#finish(this.#whyNobody(legs), REASONS.noAnswer);
  }

  #whyNobody(legs: readonly Leg[]): EndReason {
    if (legs.some((leg) => leg.state === 'waking')) return 'not-woken';
    if (this.#pushFailures.length > 0) return 'push-failed';
    return 'unreachable';
  }

  #reject(status: number, reason: string, options: RejectOptions): void {
    this.#record('rejected-upstream', { status, reason });
    this.#context.port.reject(status, reason, options);
  }

  #finish(reason: EndReason, legReason: string): void {
    this.#state = 'over';
    this.#clearAll();
    this.#endLegs(legReason);
    this.#record('end', { reason });
    this.#context.onEnd(reason);
  }

  /** Cancels what is under way and gives up what sleeps; the answered leg stays. */
  #endLegs(reason: string): void {
    const leftWaking: Device[] = [];
    for (const leg of this.#legs.values()) {
      if (leg.state === 'waking') leftWaking.push(leg.device);
      if (leg.live) {
        this.#record('leg-cancelled', { device: leg.device.id });
        leg.branch?.cancel(reason);
      }
      if (leg.state !== 'answered' && leg.state !== 'ended') leg.to('ended');
    }
    if (leftWaking.length > 0) this.#context.onLeftWaking(leftWaking, reason);
  }

  #record(type: string, fields: Parameters<Timeline['record']>[1] = {}): void {
    this.#context.timeline.record(type, fields);
  }

  #set(name: string, ms: number, fn: () => void): void {
    this.#clear(name);
    const timer = this.#context.clock.setTimeout(() => {
      this.#timers.delete(name);
      fn();
    }, ms);
    this.#timers.set(name, timer);
  }

  #clear(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  #clearAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}

const RINGBACK = { 180: 'Ringing', 183: 'Session Progress', 110: 'Push sent' } as const;

const NOT_WOKEN: Readonly<Record<number, string>> = {
  302: 'Moved Temporarily',
  404: 'Not Found',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  503: 'Service Unavailable',
};

function probeOf(leg: Leg): string {
  return `probe ${leg.device.id}`;
}
