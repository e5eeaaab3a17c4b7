import { Admission } from '../../src/calls/admission.js';
import { Calls } from '../../src/calls/calls.js';
import type { CallHandle, IncomingCall } from '../../src/calls/incoming.js';
import { Journal } from '../../src/calls/journal.js';
import type { Branch, BranchEvents, BranchResponse, CallPort, RejectOptions } from '../../src/calls/port.js';
import type { TimelineEvent } from '../../src/calls/timeline.js';
import { TokenPush } from '../../src/calls/token-push.js';
import { Waker } from '../../src/calls/waker.js';
import type { Clock, Timer } from '../../src/clock/clock.js';
import type { Binding, Device, DeviceState } from '../../src/devices/types.js';
import type { PushOutcome, PushRequest } from '../../src/push/provider.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { type Store, StoreAway } from '../../src/store/store.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { binding, device, INFO, POLICY } from './fakes.js';

/** The clock of one process: its timers die with it. */
class ProcessClock implements Clock {
  readonly #timers = new Set<Timer>();

  constructor(readonly base: FakeClock) {}

  now(): number {
    return this.base.now();
  }

  monotonic(): number {
    return this.base.monotonic();
  }

  setTimeout(fn: () => void, ms: number): Timer {
    const timer = this.base.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, ms);
    this.#timers.add(timer);
    const cancel = (): void => {
      this.#timers.delete(timer);
      timer.cancel();
    };
    return { cancel };
  }

  kill(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}

/** An INVITE at a phone, as the engine keeps it: it outlives the process that sent it. */
export class WorldBranch implements Branch {
  cancelled: string | undefined;
  rang = false;
  final: number | undefined;
  /** A final response that no process has been told. */
  untold = false;

  constructor(
    readonly id: string,
    readonly deviceId: string,
    /** The process that has it. */
    public process: Process,
    public events: BranchEvents,
    readonly bornAfterEnd: boolean,
  ) {}

  /** The phone may ring for it. */
  get live(): boolean {
    return this.cancelled === undefined && (this.final === undefined || this.untold);
  }

  cancel(reason: string): void {
    if (this.final === undefined || this.untold) this.cancelled ??= reason;
  }

  drop(reason: string): void {
    this.cancelled ??= reason;
  }

  ring(): void {
    if (!this.live || this.final !== undefined) return;
    this.rang = true;
    if (!this.process.dead) this.events.provisional({ status: 180, reason: 'Ringing' });
  }

  end(status: number, local: boolean): void {
    if (!this.live || this.final !== undefined) return;
    this.final = status;
    this.untold = true;
    if (!this.process.dead) this.tell(local);
  }

  /** What a process that takes over is told first. */
  replay(): void {
    if (this.final !== undefined) this.tell(false);
    else if (this.rang) this.events.provisional({ status: 180, reason: 'Ringing' });
  }

  tell(local: boolean): void {
    if (!this.untold || this.cancelled !== undefined) return;
    this.untold = false;
    const response: BranchResponse = { status: this.final ?? 0, reason: 'final', local };
    if (response.status < 300) this.events.answered(response);
    else this.events.failed(response);
  }
}

export interface WorldPush {
  readonly deviceId: string;
  readonly process: Process;
  readonly request: PushRequest;
  readonly settle: (outcome: PushOutcome) => void;
  /** The provider has it on its way; nothing has left yet. */
  taken: boolean;
  sent: boolean;
}

/** One run of the app. */
export class Process {
  readonly clock: ProcessClock;
  readonly calls: Calls;
  readonly journal: Journal;
  handle: CallHandle | undefined;
  dead = false;
  /** Events that are not told yet, and what is to be done after them. */
  #unsettled: (() => void)[] = [];

  constructor(readonly world: World) {
    this.clock = new ProcessClock(world.clock);
    const later = (fn: () => void): void => void this.#unsettled.push(fn);
    const onFault = (error: unknown): void => void world.faults.push(String(error));
    this.journal = new Journal(world.store, 'engine', onFault, () => 'world', later);
    const pushes = new TokenPush({
      clock: this.clock,
      platforms: ['iphone', 'ipad'],
      environmentOf: () => 'production',
      onVerdict: async () => {},
      provider: {
        push: (request) =>
          new Promise((settlePush) => {
            const { deviceId } = request.ref;
            world.pushes.push({ deviceId, process: this, request, settle: settlePush, taken: false, sent: false });
          }),
        status: () => ({ provider: 'world', queued: 0, inFlight: 0, connections: [] }),
        close: async () => {},
      },
    });
    this.calls = new Calls({
      clock: this.clock,
      waker: new Waker(pushes),
      admission: new Admission(() => ({ maxHeld: 10, maxActive: 10 })),
      journal: this.journal,
      maxHeld: 10,
      sink: (event) => later(() => world.events.push(event)),
      onFault,
      devices: {
        devicesOf: async () => {
          if (world.storeIsAway) throw new StoreAway('away');
          return [...world.devices.values()];
        },
        stateOf: ({ id }) => ({ state: world.states.get(id) ?? 'suspended', reason: 'model' }),
        noteAsleep: async (_aor, id) => void world.states.set(id, 'suspended'),
      },
    });
  }

  /** Tells and does what has waited for what left the process before. */
  settle(): void {
    while (this.#unsettled.length > 0) for (const fn of this.#unsettled.splice(0)) fn();
  }

  kill(): void {
    this.dead = true;
    this.clock.kill();
  }
}

class WorldPort implements CallPort {
  readonly saved = { invite: true };

  constructor(readonly process: Process) {}

  provisional(status: number): void {
    const { world } = this.process;
    if (world.final !== undefined) world.faults.push(`${status} after ${world.final}`);
    world.provisionals.push(status);
  }

  startTrunkBranch(): Branch {
    throw new Error('no call here has a fallback number');
  }

  startBranch(target: Device, _binding: Binding, events: BranchEvents, id: string): Branch {
    const { world } = this.process;
    const known = world.branches.find((branch) => branch.id === id);
    if (known !== undefined) {
      known.process = this.process;
      known.events = events;
      world.replays.push(known);
      return known;
    }
    const branch = new WorldBranch(id, target.id, this.process, events, world.ended);
    world.branches.push(branch);
    return branch;
  }

  connect(branch: Branch): void {
    const { world } = this.process;
    world.answer(200);
    world.winner = branch as WorldBranch;
  }

  reject(status: number, _reason: string, _options: RejectOptions | undefined, sent: () => void): void {
    this.process.world.leaving = { status, sent };
  }
}

const INCOMING: IncomingCall = { ...INFO, face: { calledNumber: '2001', video: false, privacy: false } };

/** One call with everything around it, in which the app may be killed at any moment. */
export class World {
  readonly clock = new FakeClock();
  readonly devices = new Map<string, Device>();
  readonly states = new Map<string, DeviceState>();
  readonly branches: WorldBranch[] = [];
  readonly pushes: WorldPush[] = [];
  readonly provisionals: number[] = [];
  readonly events: TimelineEvent[] = [];
  readonly faults: string[] = [];
  readonly replays: WorldBranch[] = [];
  final: number | undefined;
  winner: WorldBranch | undefined;
  hungUp = false;
  /** Nobody can read the devices. */
  storeIsAway = false;
  /** A refusal on its way to the engine. */
  leaving: { readonly status: number; readonly sent: () => void } | undefined;
  process: Process;

  constructor(
    phones: readonly { readonly active: boolean; readonly token: boolean }[],
    readonly store: Store = new MemoryStore(),
  ) {
    this.process = new Process(this);
    phones.forEach(({ active, token }, index) => {
      const id = `phone${index}`;
      this.devices.set(id, device(id, { ...(token ? {} : { tokens: [] }), seenAt: this.clock.now() - 1_000 }));
      this.states.set(id, active ? 'active' : 'suspended');
    });
  }

  /** The call is over for its caller. */
  get ended(): boolean {
    return (this.final !== undefined && this.final >= 300) || this.hungUp;
  }

  async invite(): Promise<void> {
    this.process.handle = this.process.calls.incoming(INCOMING, POLICY, new WorldPort(this.process));
    await settle(1);
  }

  /** What was on its way to the engine has got there. */
  flush(): void {
    const { leaving } = this;
    this.leaving = undefined;
    if (leaving !== undefined) {
      if (this.final === undefined) this.answer(leaving.status);
      leaving.sent();
    }
    this.process.settle();
  }

  answer(status: number): void {
    if (this.final !== undefined) this.faults.push(`second final response ${status} after ${this.final}`);
    else this.final = status;
  }

  cancel(): void {
    if (this.final !== undefined) return;
    this.final = 487;
    this.process.handle?.cancelled('Q.850;cause=16');
  }

  hangUp(): void {
    if (this.final !== 200 || this.hungUp) return;
    this.hungUp = true;
    this.process.handle?.hungUp('caller');
  }

  register(id: string, moved: boolean, told = true): void {
    const before = this.devices.get(id) ?? device(id);
    const now = this.clock.now();
    const uri = moved ? `sip:2001@192.0.2.${this.branches.length + 10}:${now % 50_000}` : before.bindings[0]?.uri;
    const after = { ...before, seenAt: now, bindings: [binding(uri, { registeredAt: now })] };
    this.devices.set(id, after);
    this.states.set(id, 'active');
    if (told) this.process.calls.registered([after]);
  }

  /** `kill -9` and the next process; what was on its way to the engine, or waited for it, is lost. `cancelled`: the caller gives up in between. */
  async restart(cancelled: boolean): Promise<void> {
    this.process.kill();
    const dead = this.process;
    this.leaving = undefined;
    if (cancelled && this.final === undefined) this.final = 487;
    this.clock.advance(700);
    const next = new Process(this);
    this.process = next;
    const records = await next.journal.read();
    next.calls.expect(records);
    for (const record of records) {
      if (record.held !== undefined && record.final === undefined) continue;
      const { handle, told } = next.calls.resume(record, POLICY, new WorldPort(next));
      next.handle = handle;
      if (record.final !== undefined && this.final === undefined) this.answer(record.final.status);
      told?.();
      // Both ends are asked whether they are there.
      if (this.hungUp) handle?.hungUp('caller');
    }
    if (this.final === undefined) await this.invite();
    for (const record of await next.calls.unclaimed()) await next.calls.forsake(record, new WorldPort(next));
    await settle(1);
    for (const branch of this.replays.splice(0)) branch.replay();
    for (const branch of this.branches) {
      if (branch.live && branch.process === dead && branch !== this.winner && !this.storeIsAway)
        this.faults.push(`the INVITE to ${branch.deviceId} was forgotten`);
    }
  }
}
