import type { Clock } from '../clock/clock.js';
import type { Binding, Device, StateOf } from '../devices/types.js';
import type { Admission, Ticket } from './admission.js';
import { AfterCall } from './after-call.js';
import { Call } from './call.js';
import { CallIndex } from './call-index.js';
import type { CallContext } from './context.js';
import { type CallHandle, type IncomingCall, infoOf, type MissedCall, NO_FACE } from './incoming.js';
import type { Journal, JournalEntry } from './journal.js';
import { LeftCalls } from './left-calls.js';
import { isLive, onceThere } from './left-legs.js';
import type { AnotherPush } from './leg-push.js';
import type { CallPolicy } from './policy.js';
import type { CallPort } from './port.js';
import type { CallInfo, CallRecord } from './records.js';
import { type CallSite, legsWithoutEngine } from './site.js';
import { Talking } from './talking.js';
import { Timeline, type TimelineSink } from './timeline.js';
import { AOR_FULL, CLEARED, ENDING, TRUNK_FULL, turnAway } from './turn-away.js';
import type { Waker } from './waker.js';
import { recordWire, trying } from './wire-note.js';

/** The devices as calls see them. */
export interface CallDevices {
  /** Undefined: no such AOR. */
  devicesOf(aor: string): Promise<readonly Device[]>;
  stateOf(device: Device): StateOf;
  noteAsleep(aor: string, deviceId: string, reason: string): Promise<void>;
}

export interface CallsOptions {
  readonly clock: Clock;
  readonly devices: CallDevices;
  readonly waker: Waker;
  readonly sink: TimelineSink;
  readonly journal: Journal;
  /** Counts the calls of each trunk. */
  readonly admission: Admission;
  /** Other nodes that a call may come to as well. */
  readonly site?: CallSite | undefined;
  /** Sends the alert pushes that tell of a call that didn't reach a device. */
  readonly alert?: (missed: MissedCall) => void;
  /** Which devices talk; shared with calls that go the other way. Default: its own. */
  readonly talking?: Talking;
  /** How many calls may be held or ringing at once; beyond, 503 with Retry-After. */
  readonly maxHeld: number;
  /** How many calls may wait for one user; beyond, 486. 0: no limit. */
  readonly maxHeldPerAor?: number;
  /** A call was refused because so many wait for that user. */
  readonly onAorFull?: (incoming: IncomingCall) => void;
  /** The other node that a binding is reached over; undefined: none. */
  readonly nodeOf?: (binding: Binding) => string | undefined;
  /** Told of a fault that is ours, with no secret in the text. */
  readonly onFault: (error: unknown, callUuid: string) => void;
}

interface CallParts {
  readonly incoming: IncomingCall;
  readonly policy: CallPolicy;
  readonly port: CallPort;
  readonly timeline: Timeline;
  readonly entry: JournalEntry;
  readonly startedAt: number;
  readonly ticket: Ticket;
}

/** All calls under way on this node. */
export class Calls {
  readonly #options: CallsOptions;
  readonly #calls: CallIndex;
  readonly #after: AfterCall;
  readonly #left = new LeftCalls();
  #draining = false;
  #drained: (() => void) | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
    const { clock, devices, site, talking = new Talking() } = options;
    this.#calls = new CallIndex(talking);
    this.#after = new AfterCall({
      clock,
      devicesOf: (aor) => devices.devicesOf(aor),
      isBusy: (deviceId) => talking.has(deviceId),
      site,
    });
  }

  /** Calls under way, held, ringing and up. */
  get size(): number {
    return this.#calls.size;
  }

  /** Calls that are not answered yet. */
  get held(): number {
    return this.#calls.held;
  }

  /** The device is in an answered call. */
  isBusy(deviceId: string): boolean {
    return this.#calls.talking.has(deviceId);
  }

  /** A call was pushed to the device and waits for its REGISTER. */
  awaits({ aor, id }: Device): boolean {
    return this.#calls.ofAor(aor).some((call) => call.awaits(id));
  }

  /**
   * Takes a call in: rings and wakes the devices of its AOR. Returns undefined when it was refused on the spot
   * (draining, too many), with the refusal sent through the port.
   */
  incoming(incoming: IncomingCall, policy: CallPolicy, port: CallPort): CallHandle | undefined {
    const { clock, journal, admission, maxHeld } = this.#options;
    const left = this.#left.take(incoming);
    if (left !== undefined) return this.#takeOver(left, incoming, policy, port);
    const timeline = this.#timeline(incoming);
    timeline.record('invite-received', {
      aor: incoming.aor,
      trunk: incoming.trunk,
      callId: incoming.callId,
      ...(incoming.face.privacy ? {} : { caller: incoming.face.callerNumber }),
      ...(incoming.callerDevice === undefined ? {} : { from: 'phone' }),
    });
    recordWire(timeline, trying(incoming.callerDevice === undefined ? 'trunk' : 'phone'));
    if (!this.#draining && this.#isFull(incoming.aor)) {
      this.#options.onAorFull?.(incoming);
      turnAway('overload', AOR_FULL, port, timeline);
      return undefined;
    }
    const full = this.#draining ? 'shutdown' : this.held >= maxHeld ? 'overload' : undefined;
    const ticket = full === undefined ? admission.admit(incoming.trunk) : undefined;
    if (ticket === undefined) {
      const why = full === undefined ? TRUNK_FULL : full === 'shutdown' ? ENDING : 'too many calls held';
      turnAway(full ?? 'overload', why, port, timeline);
      return undefined;
    }
    const startedAt = clock.now();
    const entry = journal.open(infoOf(incoming), startedAt, port.saved, timeline);
    const call = this.#make({ incoming, policy, port, timeline, entry, startedAt, ticket });
    void this.#begin(call, incoming, policy.hold, timeline);
    return call;
  }

  #isFull(aor: string): boolean {
    const { maxHeldPerAor = 0 } = this.#options;
    return maxHeldPerAor > 0 && this.#calls.heldOf(aor) >= maxHeldPerAor;
  }

  /** Whether this process has the call already. */
  isUnderWay({ aor, callUuid, callId }: CallInfo): boolean {
    return this.#calls.ofAor(aor).some(({ info }) => info.callUuid === callUuid && info.callId === callId);
  }

  /** Calls of a process before this one that are held: each goes on when its INVITE comes again. */
  expect(records: readonly CallRecord[]): void {
    this.#left.add(records);
  }

  /** Whom the call of this INVITE is for, if it is one of {@link expect}: no store has to be asked. */
  expected(callUuid: string, callId: string): Pick<CallInfo, 'aor' | 'deviceId'> | undefined {
    const { aor, deviceId } = this.#left.find(callUuid, callId) ?? {};
    return aor === undefined ? undefined : { aor, ...(deviceId !== undefined && { deviceId }) };
  }

  /** Those of {@link expect} whose INVITE has not come again, here or to another node. */
  async unclaimed(): Promise<CallRecord[]> {
    const { site } = this.#options;
    const rest = this.#left.takeRest();
    if (site === undefined) return rest;
    const elsewhere = await Promise.all(rest.map(({ info }) => site.isElsewhere(info)));
    return rest.filter((_, index) => !elsewhere[index]);
  }

  /**
   * Goes on with what a process before this one left of an answered or ended call: the call if it is up, and the devices that are
   * to be told that it is over. Gives the handle of one that is up, and whom to tell that the final response of an ended one has left.
   */
  resume(record: CallRecord, policy: CallPolicy, port: CallPort): { handle?: CallHandle; told?: () => void } {
    const { info, startedAt, held, up, final, end } = record;
    const timeline = this.#timeline(info, startedAt);
    const entry = this.#options.journal.reopen(record, timeline);
    const ended = { port, timeline, entry };
    const fault = (error: unknown): void => this.#fault(error, info.callUuid);
    this.#after.expectStill(record, ended).catch(fault);
    if (final !== undefined && held !== undefined) {
      this.#after.giveUp(record, end ?? 'rejected', ended).catch(fault);
    } else if (end !== undefined) {
      timeline.record('end', { reason: end });
      entry.over(end);
    }
    if (up === undefined) return final === undefined ? {} : { told: () => entry.told() };
    const incoming = { ...info, face: NO_FACE };
    const ticket = this.#options.admission.readmit(info.trunk, 'active');
    const call = this.#make({ incoming, policy, port, timeline, entry, startedAt, ticket });
    this.#calls.up(call, up.device);
    call.resumeUp();
    return { handle: call };
  }

  /** The caller gave up a held call while no process was there: phones that ring or wake are told. */
  async forsake(record: CallRecord, port: CallPort): Promise<void> {
    const timeline = this.#timeline(record.info, record.startedAt);
    timeline.record('cancelled', { reason: 'while no process was there' });
    const entry = this.#options.journal.reopen(record, timeline);
    await this.#after.giveUp(record, 'cancelled', { port, timeline, entry });
  }

  /** REGISTERs of these devices were accepted and answered, here or at another node. */
  registered(devices: readonly Device[], node?: string): void {
    for (const device of devices) {
      for (const call of this.#calls.ofAor(device.aor)) call.deviceRegistered(device, node);
      this.#after.registered(device);
    }
  }

  /** AORs with calls that wait for a device to come. */
  get waitedFor(): readonly string[] {
    return this.#calls.waitedFor;
  }

  /** These devices as they are now: those that have come to another node since they were pushed are rung. */
  arrived(devices: readonly Device[]): void {
    for (const device of devices) for (const call of this.#calls.ofAor(device.aor)) call.deviceArrived(device);
  }

  /** Another node has this call too: it is that one's if nothing of it rings here. Gives whether it is still here. */
  letGo(callUuid: string, aor: string, node?: string): boolean {
    const calls = this.#calls.withUuid(callUuid).filter(({ info }) => info.aor === aor);
    for (const call of calls) call.letGo(node);
    return calls.some(({ state }) => state !== 'over');
  }

  /** A call that a process before this one left has been taken over by another node meanwhile. */
  taken(info: CallInfo): void {
    this.#left.take(info);
    this.#after.forget(info);
    this.letGo(info.callUuid, info.aor);
  }

  /** The REGISTER of this device was refused for good. */
  registerRefused(aor: string, deviceId: string, status: number): void {
    for (const call of this.#calls.ofAor(aor)) call.deviceRefused(deviceId, status);
  }

  /** Ends those parts of a call that aren't answered. False when there are none. */
  clear(callUuid: string): boolean {
    const waiting = this.#calls.withUuid(callUuid).filter(({ waits }) => waits);
    for (const call of waiting) call.abort('cleared', CLEARED);
    return waiting.length > 0;
  }

  /** Pushes once more to the devices of a held call that haven't come, or to one of them. Empty when there are none. */
  pushAgain(callUuid: string, deviceId?: string): readonly AnotherPush[] {
    return this.#calls.withUuid(callUuid).flatMap((call) => call.pushAgain(deviceId));
  }

  /** Takes no new calls; settles when those that are held have ended or been answered, or at once without any. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.held === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Takes new calls again after {@link drain}. */
  undrain(): void {
    this.#draining = false;
    this.#drained = undefined;
  }

  /** Ends what is held. Calls that are up stay up, with whoever reads the journal. */
  close(): void {
    this.#draining = true;
    for (const call of this.#calls.waiting()) call.abort('shutdown', 'the process ends');
    this.#after.close();
  }

  #takeOver(record: CallRecord, incoming: IncomingCall, policy: CallPolicy, port: CallPort): CallHandle {
    const { startedAt, held } = record;
    const { clock } = this.#options;
    const timeline = this.#timeline(incoming, startedAt);
    const entry = this.#options.journal.reopen({ ...record, port: port.saved }, timeline);
    const ticket = this.#options.admission.readmit(incoming.trunk, 'held');
    const call = this.#make({ incoming, policy, port, timeline, entry, startedAt, ticket });
    const { legs = [], holdUntil = 0, ringUntil = 0 } = held ?? {};
    const until = legs.some(isLive) ? ringUntil : holdUntil;
    const read = (): Promise<readonly Device[]> => this.#options.devices.devicesOf(incoming.aor);
    onceThere(read, clock, () => call.waits && clock.now() < until)
      .then((devices) => {
        if (devices !== undefined && call.waits) return call.resume(devices, legs);
        call.abort('failed', DEVICES_UNREAD);
        return this.#after.giveUp(record, undefined, { port, timeline, entry });
      })
      .catch((error: unknown) => {
        this.#fault(error, incoming.callUuid);
        call.abort('failed', DEVICES_UNREAD);
      });
    return call;
  }

  #timeline({ callUuid, sessionId }: CallInfo, startedAt?: number): Timeline {
    const { clock, sink } = this.#options;
    return new Timeline(callUuid, sessionId, clock, sink, startedAt);
  }

  #make({ incoming, policy, port, timeline, entry, startedAt, ticket }: CallParts): Call {
    const { clock, devices, waker } = this.#options;
    const context: CallContext = {
      clock,
      policy,
      port,
      timeline,
      journal: entry,
      nodeOf: this.#options.nodeOf ?? (() => undefined),
      stateOf: (device) => (this.isBusy(device.id) ? IN_A_CALL : devices.stateOf(device)),
      canWake: (device) => waker.tokenFor(device) !== undefined,
      wake: (device, deadline, stillWanted, onLeave) =>
        waker.wake({
          device,
          deadline,
          stillWanted,
          ...(onLeave === undefined ? {} : { onLeave }),
          call: { callUuid: incoming.callUuid, trunk: incoming.trunk, ...incoming.face },
        }),
      noteAsleep: (device, reason) => {
        devices.noteAsleep(device.aor, device.id, reason).catch((error) => this.#fault(error, incoming.callUuid));
      },
      onLeftWaking: (left, reason) =>
        this.#after.expect(
          left.map(({ id }) => id),
          reason,
          { port, timeline, entry },
        ),
      onMissed: (missed, why) => this.#options.alert?.({ why, devices: missed, call: incoming }),
      onUp: (device) => {
        ticket.up();
        this.#calls.up(call, device?.id);
        this.#checkDrained();
      },
      onEnd: () => {
        ticket.end();
        this.#calls.remove(call);
        this.#checkDrained();
      },
    };
    const call: Call = new Call(infoOf(incoming), context, startedAt);
    this.#calls.add(call);
    return call;
  }

  /** Begins a call once it is this node's, from where another process left it if one has. */
  async #begin(call: Call, incoming: IncomingCall, hold: number, timeline: Timeline): Promise<void> {
    const { site, clock } = this.#options;
    if (site === undefined) return this.#start(call, incoming, timeline, (devices) => call.start(devices));
    const until = call.startedAt + hold;
    const waits = (): boolean => call.waits && clock.now() < until;
    const claim = await site.claim(infoOf(incoming), waits, timeline.record.bind(timeline));
    if (claim === undefined) return call.abort('failed', 'the call is at another node');
    const { left, sameEngine } = claim;
    return this.#start(call, incoming, timeline, (devices) => {
      if (left === undefined) call.start(devices);
      else if (sameEngine) call.resume(devices, left.held?.legs ?? [], left.startedAt);
      else call.resume(devices, legsWithoutEngine(left), 0);
    });
  }

  async #start(
    call: Call,
    incoming: IncomingCall,
    timeline: Timeline,
    go: (devices: readonly Device[]) => void,
  ): Promise<void> {
    const since = timeline.elapsed;
    try {
      const devices = await this.#options.devices.devicesOf(incoming.aor);
      timeline.record('devices-read', { devices: devices.length, took: Math.round(timeline.elapsed - since) });
      go(devices);
    } catch (error) {
      this.#fault(error, incoming.callUuid);
      call.abort('failed', DEVICES_UNREAD);
    }
  }

  #checkDrained(): void {
    if (this.held === 0) this.#drained?.();
  }

  #fault(error: unknown, callUuid: string): void {
    this.#options.onFault(error, callUuid);
  }
}

const DEVICES_UNREAD = 'devices could not be read';

/** Whoever talks is awake, however long ago the phone registered. */
const IN_A_CALL: StateOf = { state: 'active', reason: 'the phone is in a call' };
