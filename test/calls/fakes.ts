import { Call } from '../../src/calls/call.js';
import type { CallPolicy, EndReason } from '../../src/calls/policy.js';
import type {
  Branch,
  BranchEvents,
  BranchResponse,
  CallPort,
  RejectOptions,
  TrunkTarget,
} from '../../src/calls/port.js';
import type { CallInfo, FinalRecord, HeldRecord, UpRecord } from '../../src/calls/records.js';
import { Timeline, type TimelineEvent } from '../../src/calls/timeline.js';
import type { Binding, Device, DeviceState, Platform } from '../../src/devices/types.js';
import type { PushOutcome } from '../../src/push/provider.js';
import { FakeClock } from '../support/fake-clock.js';

/** An INVITE that a call under test has sent, with what became of it; `events` lets the test play the phone. */
export class FakeBranch implements Branch {
  readonly id = 'branch';
  cancelled: string | undefined;
  dropped: string | undefined;

  constructor(
    readonly device: Device,
    readonly binding: Binding,
    readonly events: BranchEvents,
  ) {}

  cancel(reason: string): void {
    this.cancelled = reason;
  }

  drop(reason: string): void {
    this.dropped = reason;
  }

  rings(status = 180): void {
    this.events.provisional({ status, reason: 'Ringing' });
  }

  answers(): void {
    this.events.answered({ status: 200, reason: 'OK' });
  }

  fails(status: number, local = false): void {
    this.events.failed({ status, reason: `status ${status}`, local });
  }
}

/** An INVITE over the trunk; the test plays the peer. */
export class FakeTrunkBranch implements Branch {
  readonly id = 'trunk-branch';
  cancelled: string | undefined;
  dropped: string | undefined;

  constructor(
    readonly target: TrunkTarget,
    readonly events: BranchEvents,
  ) {}

  cancel(reason: string): void {
    this.cancelled = reason;
  }

  drop(reason: string): void {
    this.dropped = reason;
  }

  rings(): void {
    this.events.provisional({ status: 180, reason: 'Ringing' });
  }

  answers(): void {
    this.events.answered({ status: 200, reason: 'OK' });
  }

  fails(status: number, local = false): void {
    this.events.failed({ status, reason: `status ${status}`, local });
  }
}

/** What the two sides of a call under test get to see. */
export class FakePort implements CallPort {
  readonly branches: FakeBranch[] = [];
  readonly provisionals: number[] = [];
  readonly finals: { status: number; options?: RejectOptions | undefined }[] = [];
  readonly trunkBranches: FakeTrunkBranch[] = [];
  connected: FakeBranch | FakeTrunkBranch | undefined;
  /** Tells that the final response has left. */
  sent: (() => void) | undefined;

  provisional(status: number): void {
    this.provisionals.push(status);
  }

  startBranch(device: Device, binding: Binding, events: BranchEvents): Branch {
    const branch = new FakeBranch(device, binding, events);
    this.branches.push(branch);
    return branch;
  }

  startTrunkBranch(target: TrunkTarget, events: BranchEvents): Branch {
    const branch = new FakeTrunkBranch(target, events);
    this.trunkBranches.push(branch);
    return branch;
  }

  connect(branch: Branch, response: BranchResponse): void {
    this.connected = branch as FakeBranch | FakeTrunkBranch;
    this.finals.push({ status: response.status });
  }

  reject(status: number, _reason: string, options?: RejectOptions, sent: () => void = () => {}): void {
    this.finals.push({ status, options });
    this.sent = sent;
  }

  /** The one INVITE to that device that is neither cancelled nor replaced. */
  branchTo(id: string): FakeBranch {
    const found = this.branches.filter((branch) => branch.device.id === id && branch.cancelled === undefined).at(-1);
    if (found === undefined) throw new Error(`no INVITE went to ${id}`);
    return found;
  }
}

export const POLICY: CallPolicy = {
  ringbackAfter: 5_000,
  ringback: 180,
  hold: 13_000,
  ring: 180_000,
  probe: 2_000,
  whenNotWoken: { answer: 480 },
};

export const INFO: CallInfo = {
  callUuid: '01234567-89AB-CDEF-0123-456789ABCDEF',
  sessionId: '0123456789abcdef0123456789abcdef',
  callId: 'call-1@cucm',
  aor: 'sip:2001@corp.example',
  trunk: 'cucm',
};

export function binding(uri = 'sip:2001@192.0.2.9:5060', over: Partial<Binding> = {}): Binding {
  return {
    uri,
    path: ['<sip:edge.example;lr>'],
    mode: 'path',
    registeredAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    callId: 'r',
    cseq: 1,
    q: 1,
    source: 'tcp/192.0.2.1:5060',
    ...over,
  };
}

export function device(id: string, over: Partial<Device> = {}): Device {
  return {
    id,
    aor: INFO.aor,
    platform: 'iphone' as Platform,
    bindings: [binding()],
    tokens: [{ kind: 'voip', token: `b5${id}`, teamId: 'TEAMID1234', bundleId: 'com.example.phone', seenAt: 0 }],
    seenAt: 0,
    ...over,
  };
}

/** A call with its clock, port and pushes in the test's hands. */
export class Bench {
  readonly clock = new FakeClock();
  readonly port = new FakePort();
  readonly events: TimelineEvent[] = [];
  readonly pushes: {
    device: Device;
    settle: (outcome: PushOutcome) => void;
    stillWanted: () => boolean;
    leave: () => void;
  }[] = [];
  readonly asleep: string[] = [];
  readonly leftWaking: { id: string; reason: string }[] = [];
  readonly missed: { id: string; why: string }[] = [];
  readonly ends: EndReason[] = [];
  readonly states = new Map<string, DeviceState>();
  /** What another process would find. */
  journal: HeldRecord | UpRecord | undefined;
  final: FinalRecord | undefined;
  readonly call: Call;

  constructor(policy: Partial<CallPolicy> = {}, info: CallInfo = INFO) {
    this.call = new Call(info, {
      clock: this.clock,
      policy: { ...POLICY, ...policy },
      port: this.port,
      timeline: new Timeline(info.callUuid, info.sessionId, this.clock, (event) => this.events.push(event)),
      stateOf: ({ id }) => ({ state: this.states.get(id) ?? 'suspended', reason: 'test' }),
      nodeOf: () => undefined,
      canWake: ({ tokens }) => tokens.length > 0,
      wake: (pushed, _deadline, stillWanted, leave = () => {}) => {
        stillWanted();
        return new Promise((settle) => this.pushes.push({ device: pushed, settle, stillWanted, leave }));
      },
      noteAsleep: ({ id }) => this.asleep.push(id),
      journal: {
        held: (record) => {
          this.journal = record;
        },
        up: (record) => {
          this.journal = record;
        },
        rejected: (record) => {
          this.final = record;
        },
        told: () => {
          this.final = undefined;
        },
        over: () => {
          this.journal = undefined;
        },
      },
      onLeftWaking: (left, reason) => this.leftWaking.push(...left.map(({ id }) => ({ id, reason }))),
      onMissed: (missed, why) => this.missed.push(...missed.map(({ id }) => ({ id, why }))),
      onUp: () => {},
      onEnd: (reason) => this.ends.push(reason),
    });
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

export const ACCEPTED: PushOutcome = { kind: 'accepted', apnsId: 'A', queuedMs: 0, answerMs: 1, attempts: 1 };
export const DEAD: PushOutcome = { kind: 'refused', status: 410, reason: 'Unregistered', token: 'dead', attempts: 1 };
