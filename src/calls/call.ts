import { bestBinding } from '../devices/best-binding.js';
import type { Binding, Device } from '../devices/types.js';
import { randomCallId } from '../grammar/token.js';
import { CallerWord } from './caller-word.js';
import type { CallContext, CallState } from './context.js';
import { FallbackLeg } from './fallback.js';
import { ownRefusal, refusal, towardCaller } from './final.js';
import { firstStep } from './first-step.js';
import { Leg, type LegRecord } from './leg.js';
import { type AnotherPush, type PushingCall, pushAgain, pushLeg } from './leg-push.js';
import { Legs } from './legs.js';
import { bestResponse, type EndReason, isMissed, saysNotReached } from './policy.js';
import { type Branch, type BranchResponse, REASONS, type RejectOptions } from './port.js';
import type { CallInfo } from './records.js';
import type { Timeline } from './timeline.js';
import { Timers } from './timers.js';
import { recordCancel, recordWire, type WireNote } from './wire-note.js';
import { WriteAhead } from './write-ahead.js';

/**
 * One call from the trunk: which device is pushed, rung, cancelled or given up, and when (design: late forking).
 * Knows nothing of SIP beyond status codes; all it does goes through its {@link CallPort}.
 */
export class Call {
  readonly #context: CallContext;
  readonly #legs = new Legs();
  readonly #responses: BranchResponse[] = [];
  readonly #timers: Timers;
  readonly #caller: CallerWord;
  readonly #holdUntil: number;
  readonly #ringUntil: number;
  #state: CallState = 'held';
  #holdOver = false;
  readonly #ahead = new WriteAhead(() => this.#write());
  #fallback: FallbackLeg | undefined;

  constructor(
    readonly info: CallInfo,
    context: CallContext,
    /** Epoch milliseconds. */
    readonly startedAt = context.clock.now(),
  ) {
    const { clock, policy } = context;
    this.#context = context;
    this.#timers = new Timers(clock);
    this.#caller = new CallerWord(context.port, this.#timers, context.timeline);
    this.#holdUntil = startedAt + policy.hold;
    this.#ringUntil = startedAt + Math.min(policy.ring, info.expires ?? policy.ring);
  }

  get state(): CallState {
    return this.#state;
  }

  /** The device was pushed, and its REGISTER is waited for. */
  awaits(deviceId: string): boolean {
    return this.waits && this.#legs.pushedTo(deviceId).length > 0;
  }

  /** It isn't answered and not over. */
  get waits(): boolean {
    return this.#state === 'held' || this.#state === 'ringing';
  }

  /** Rings the awake and pushes the sleeping among the AOR's devices, and starts the clocks. */
  start(devices: readonly Device[]): void {
    this.#begin(devices, []);
  }

  /**
   * Goes on where another process was stopped: same deadlines, no second push to a device, INVITEs under way taken over. `devices`
   * as they are now: one that registered meanwhile is rung.
   * @param since epoch milliseconds: devices that are in no leg count if they registered after that
   */
  resume(devices: readonly Device[], legs: readonly LegRecord[], since = this.startedAt): void {
    this.#record('taken-over', { legs: legs.length });
    this.#begin(devices, legs, since);
  }

  /** The call was answered in another process's time. */
  resumeUp(): void {
    this.#state = 'up';
    this.#record('taken-over', { state: 'up' });
  }

  /** A REGISTER of this device was accepted and its 200 is on its way; `node`: at that other node. */
  deviceRegistered(device: Device, node?: string): void {
    if (!this.waits || !this.#concerns(device)) return;
    if (node !== undefined) this.#record('node-told', { node, device: device.id });
    const leg = this.#legs.get(device.id);
    if (leg === undefined) {
      if (this.#fallback === undefined) this.#admit(device);
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

  /** A device waits to be woken. */
  get waitsForDevice(): boolean {
    return this.waits && this.#legs.someWaking;
  }

  /** A device as it is now: it may have registered where nobody could say so. */
  deviceArrived(device: Device): void {
    const leg = this.#legs.get(device.id);
    if (!this.waits || leg?.state !== 'waking') return;
    leg.device = device;
    this.#ringIfArrived(leg, 'store');
  }

  /** Another node has this call as well and takes it, unless a phone rings here: nothing of it stays. */
  letGo(node?: string): void {
    if (!this.waits || this.#legs.someLive || this.#fallback?.live) return;
    this.#record('left-to-node', { node });
    this.#legs.giveUpSleepers();
    this.abort('shutdown', 'another node has the call');
  }

  /** The REGISTER of this device was refused for good: it won't come (RFC 8599 section 5.6.2). */
  deviceRefused(deviceId: string, status: number): void {
    const leg = this.#legs.get(deviceId);
    if (leg?.state !== 'waking' || !this.waits) return;
    this.#record('register-refused', { device: deviceId, status });
    leg.to('ended');
    this.#settle();
  }

  /** The caller sent CANCEL (and has its 487). `reason` is its Reason header, if it gave one. */
  cancelled(reason?: string, answers: readonly WireNote[] = []): void {
    if (!this.waits) return;
    recordCancel(this.#context.timeline, reason, answers);
    this.#finish('cancelled', reason ?? REASONS.cancelled);
  }

  /** One of the two sides of an answered call hung up, or it ended otherwise. */
  hungUp(by: string): void {
    if (this.#state !== 'up') return;
    this.#record('hung-up', { by });
    this.#finish('answered', REASONS.completedElsewhere);
  }

  wire(...notes: readonly WireNote[]): void {
    recordWire(this.#context.timeline, notes);
  }

  /** Ends the call from our side: 480 upstream for an operator, else 503; or, when it is up, nothing more than forgetting it. */
  abort(reason: 'shutdown' | 'failed' | 'cleared', text: string): void {
    if (this.#state === 'over') return;
    const [status, legReason] = reason === 'cleared' ? [480, REASONS.cleared] : [503, REASONS.shutdown];
    const wasUp = this.#state === 'up';
    this.#record('aborted', { reason, text });
    if (wasUp) this.#finish(reason, legReason);
    else this.#refuse(reason, status, ownRefusal(reason, text), legReason);
  }

  /** An operator wants another push for the devices that haven't come yet, or for one of them. */
  pushAgain(deviceId?: string): readonly AnotherPush[] {
    return this.waits ? pushAgain(this.#legs.pushedTo(deviceId), this.#pushing) : [];
  }

  #begin(devices: readonly Device[], left: readonly LegRecord[], since = this.startedAt): void {
    if (this.#state === 'over') return;
    const { policy, clock } = this.#context;
    const now = clock.now();
    this.#timers.set('hold', this.#holdUntil - now, () => this.#onHoldOver());
    this.#timers.set('ring', this.#ringUntil - now, () => this.#onRingOver());
    this.#caller.start(policy, now - this.startedAt);
    this.#ahead.hold();
    for (const device of devices) {
      if (this.#legs.get(device.id) !== undefined) continue;
      const record = left.find((leg) => leg.device === device.id);
      if (record !== undefined) this.#readmit(device, record);
      else if (this.#concerns(device) && (left.length === 0 || device.seenAt > since)) this.#admit(device);
    }
    this.#ahead.release();
    // What another process has left may be under that one's name only, which is gone with it.
    if (left.length > 0) this.#ahead.save();
    this.#settle();
  }

  #concerns = ({ id }: Device): boolean => (this.info.deviceId ?? id) === id;

  #admit(device: Device): void {
    const { action, binding, ...why } = firstStep(device, this.#context);
    this.#record('device', { device: device.id, platform: device.platform, ...why, action });
    if (action === 'nothing') return;
    const leg = new Leg(device, binding ? 'inviting' : 'waking');
    this.#legs.add(leg);
    if (binding) this.#startBranch(leg, binding);
    else pushLeg(leg, this.#pushing);
  }

  #readmit(device: Device, record: LegRecord): void {
    const leg = Leg.restore(device, record);
    this.#legs.add(leg);
    this.#record('device', { device: device.id, platform: device.platform, state: record.state, action: 'take-over' });
    if (leg.state === 'ended' && leg.final !== undefined) this.#responses.push(leg.final);
    if (leg.live && record.branch !== undefined) {
      const { binding, id, transaction } = record.branch;
      if (this.#context.port.cancelLeft?.(transaction, REASONS.lost)) leg.to('ended');
      else this.#startBranch(leg, binding, id);
    }
    if (leg.state !== 'waking') return;
    if (!this.#ringIfArrived(leg) && !leg.pushed) pushLeg(leg, this.#pushing);
  }

  #ringIfArrived(leg: Leg, from?: 'store'): boolean {
    const fresh = leg.registeredSince(leg.pushedAt ?? this.startedAt);
    if (fresh === undefined) return false;
    this.#record('device-woke', { device: leg.device.id, mode: fresh.mode, from });
    this.#invite(leg, fresh);
    return true;
  }

  #invite(leg: Leg, binding: Binding): void {
    leg.to('inviting');
    this.#startBranch(leg, binding);
  }

  #startBranch(leg: Leg, binding: Binding, id = randomCallId()): void {
    leg.use(binding, id);
    const attempt = ++leg.attempt;
    const mine = (): boolean => leg.attempt === attempt && leg.live && this.#state !== 'over';
    const node = this.#context.nodeOf(binding);
    this.#record('leg-invited', { device: leg.device.id, mode: binding.mode, uri: binding.uri, node });
    const { policy, port } = this.#context;
    if (policy.probe > 0) this.#timers.set(leg.probe, policy.probe, () => this.#onNoSignOfLife(leg));
    const events = {
      provisional: (response: BranchResponse) => mine() && this.#onProvisional(leg, response),
      answered: (response: BranchResponse) => this.#onAnswered(leg, attempt, response),
      failed: (response: BranchResponse) => mine() && this.#onFailed(leg, response),
      sent: (transaction: string) => {
        if (!mine()) return;
        leg.transaction = transaction;
        this.#ahead.save();
      },
    };
    this.#ahead.soon(() => {
      leg.branch = port.startBranch(leg.device, binding, events, id, this.#legs.size > 1);
    });
  }

  get #pushing(): PushingCall {
    return {
      context: this.#context,
      ahead: this.#ahead,
      holdUntil: this.#holdUntil,
      waits: () => this.waits,
      onFailed: () => this.#settle(),
    };
  }

  #onProvisional(leg: Leg, response: BranchResponse): void {
    this.#timers.clear(leg.probe);
    this.#record('leg-provisional', { device: leg.device.id, status: response.status });
    leg.rang = true;
    if (leg.state === 'inviting') leg.to('ringing');
    if (this.#state === 'held') this.#state = 'ringing';
    this.#caller.tell(response.status, response.reason, response);
  }

  #onAnswered(leg: Leg, attempt: number, response: BranchResponse): void {
    if (leg.attempt !== attempt || !leg.live || !this.waits || !leg.branch) return;
    this.#timers.clear(leg.probe);
    leg.to('answered');
    this.#record('leg-answered', { device: leg.device.id, status: response.status });
    this.#join(leg.branch, leg.branchId ?? '', leg.device, response);
  }

  /** Somebody has answered: a device, or the fallback number. */
  #join(branch: Branch, branchId: string, device: Device | undefined, answer: BranchResponse): void {
    this.#state = 'up';
    this.#endLegs(REASONS.completedElsewhere);
    this.#timers.clearAll();
    const { clock, journal, onUp, port } = this.#context;
    journal.up({ device: device?.id ?? '', branch: branchId, answeredAt: clock.now(), answer });
    this.#noteMissed('answered-elsewhere');
    onUp(device);
    port.connect(branch, answer);
  }

  /** Nobody woke: the call goes to a number over the trunk, and the sleepers are given up. */
  #startFallback(number: string, why: EndReason): void {
    const { port, timeline } = this.#context;
    this.#giveUpSleepers(REASONS.fallback);
    this.#ahead.save();
    const target = { trunk: this.info.trunk, number, retargeted: { from: this.info.aor, status: 480 } };
    this.#fallback = new FallbackLeg(port, timeline, target, why, {
      provisional: (response) => {
        this.#state = 'ringing';
        this.#caller.tell(response.status, response.reason, response);
      },
      answered: (branch, response) => this.#join(branch, branch.id, undefined, response),
      failed: (response) => {
        if (!saysNotReached(response)) this.#responses.push(response);
        this.#settle();
      },
    });
  }

  #onFailed(leg: Leg, response: BranchResponse): void {
    const rang = leg.state === 'ringing';
    this.#timers.clear(leg.probe);
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
      this.#refuseAs(response, 'rejected', REASONS.declinedElsewhere);
      return;
    }
    this.#ahead.save();
    this.#settle();
  }

  #onNoSignOfLife(leg: Leg): void {
    if (leg.state !== 'inviting' || !this.waits) return;
    const { branch } = leg;
    const canTryAgain = leg.untried() !== undefined || (!leg.pushed && this.#context.canWake(leg.device));
    if (!canTryAgain && !this.#holdOver) {
      leg.silent = true;
      return;
    }
    this.#record('no-sign-of-life', { device: leg.device.id });
    branch?.cancel(REASONS.noSignOfLife);
    if (this.#tryAgain(leg, 'no answer to INVITE')) return;
    leg.to('ended');
    this.#ahead.save();
    this.#settle();
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
    pushLeg(leg, this.#pushing);
    return true;
  }

  #onHoldOver(): void {
    this.#holdOver = true;
    if (!this.waits) return;
    this.#record('hold-over');
    for (const leg of this.#legs.all) if (leg.silent) this.#onNoSignOfLife(leg);
    this.#settle();
  }

  #onRingOver(): void {
    if (!this.waits) return;
    this.#record('ring-over');
    const best = bestResponse(this.#responses);
    if (best === undefined) this.#refuse('no-answer', 480, refusal('no-answer'), REASONS.noAnswer);
    else this.#refuseAs(best, 'no-answer', REASONS.noAnswer);
  }

  /** Ends the call if nothing can come of it any more. */
  #settle(): void {
    if (this.#ahead.holding || !this.waits) return;
    if (this.#legs.someLive || this.#fallback?.live || (!this.#holdOver && this.#legs.someWaking)) return;
    const best = bestResponse(this.#responses);
    if (best !== undefined) {
      this.#refuseAs(best, 'rejected', REASONS.noAnswer);
      return;
    }
    const { answer, contact, fallback } = this.#context.policy.whenNotWoken;
    const why = this.#fallback?.why ?? this.#legs.whyNobody;
    if (fallback !== undefined && this.#fallback === undefined) {
      this.#startFallback(fallback, why);
      return;
    }
    this.#refuse(why, answer, { ...refusal(why), ...(contact === undefined ? {} : { contact }) }, REASONS.noAnswer);
  }

  /** The caller gets what a phone, or the fallback, said; the other legs end for `legReason`. */
  #refuseAs(from: BranchResponse, end: EndReason, legReason: string): void {
    this.#answerNo({ end, status: towardCaller(from.status), reason: from.reason }, { from });
    this.#finish(end, legReason);
  }

  /** The caller gets an answer of our own; the legs end for `legReason`. */
  #refuse(end: EndReason, status: number, options: RejectOptions, legReason: string): void {
    this.#answerNo({ end, status, reason: '' }, options);
    this.#finish(end, legReason);
  }

  #answerNo(final: { end: EndReason; status: number; reason: string }, options: RejectOptions): void {
    const { policy, journal } = this.#context;
    this.#caller.reject(policy.codes, final, options, journal);
  }

  #finish(reason: EndReason, legReason: string): void {
    const wasUp = this.#state === 'up';
    this.#state = 'over';
    this.#ahead.forget();
    this.#timers.clearAll();
    this.#endLegs(legReason);
    this.#fallback?.cancel(legReason);
    if (!wasUp && isMissed(reason)) this.#noteMissed('missed');
    this.#record('end', { reason });
    this.#context.journal.over(reason);
    this.#context.onEnd(reason);
  }

  /** Cancels what is under way and gives up what sleeps; the answered leg stays. */
  #endLegs(reason: string): void {
    this.#giveUpSleepers(reason);
    this.#legs.cancelLive(reason, ({ device }) => this.#record('leg-cancelled', { device: device.id }));
  }

  #giveUpSleepers(reason: string): void {
    const mayCome = this.#legs.giveUpSleepers();
    if (mayCome.length > 0) this.#context.onLeftWaking(mayCome, reason);
  }

  #noteMissed(why: 'missed' | 'answered-elsewhere'): void {
    const { missed } = this.#legs;
    if (missed.length > 0) this.#context.onMissed(missed, why);
  }

  #record(type: string, fields: Parameters<Timeline['record']>[1] = {}): void {
    this.#context.timeline.record(type, fields);
  }

  #write(): void {
    if (!this.waits) return;
    this.#context.journal.held({ holdUntil: this.#holdUntil, ringUntil: this.#ringUntil, legs: this.#legs.records() });
  }
}
