/** What the API gives; `src/ops/http` has the schemas. Times are epoch milliseconds, durations milliseconds. */

export interface Percentiles {
  readonly count: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}

export interface Alarm {
  readonly name: string;
  readonly subject: string;
  readonly severity: 'alert' | 'critical' | 'error' | 'warning';
  readonly state: 'active' | 'event' | 'cleared';
  readonly reason: string;
  readonly text: string;
  readonly raisedAt: number;
  readonly clearedAt?: number;
}

export interface CallSummary {
  readonly callUuid: string;
  readonly callId?: string;
  readonly sessionId?: string;
  readonly direction: 'to-phone' | 'to-trunk';
  readonly trunk?: string;
  readonly caller?: string;
  readonly called?: string;
  readonly state: 'held' | 'ringing' | 'up' | 'over';
  readonly reason?: string;
  readonly status?: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly ringingAfter?: number;
  readonly answeredAfter?: number;
  readonly wakeTook?: number;
  readonly pushes: number;
  readonly devices: number;
}

export interface Overview {
  readonly node: string;
  readonly version: string;
  readonly now: number;
  readonly startedAt: number;
  readonly ready: boolean;
  readonly missing: readonly string[];
  readonly calls: { readonly held: number; readonly ringing: number; readonly up: number };
  readonly oldestHeld: readonly CallSummary[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly pushes: Readonly<Record<string, number>>;
  readonly wake: Percentiles;
  readonly minutes: readonly (Percentiles & { readonly at: number; readonly calls: number })[];
  readonly trunks: readonly Trunk[];
  readonly push: PushStatus;
  readonly alarms: readonly Alarm[];
}

export interface Trunk {
  readonly name: string;
  readonly held: number;
  readonly active: number;
  readonly peers: readonly {
    readonly peer: string;
    readonly state: string;
    readonly reason: string;
    readonly since: number;
  }[];
}

export interface PushStatus {
  readonly provider: string;
  readonly queued: number;
  readonly inFlight: number;
  readonly connections: readonly { readonly host: string; readonly state: string; readonly streams: number }[];
  readonly lastError?: { readonly at: number; readonly text: string };
}

/** What came of a push that was asked for by hand. */
export interface PushedAgain {
  readonly pushes: readonly { readonly device: string; readonly outcome: string; readonly reason?: string }[];
}

export type Party = 'trunk' | 'callwake' | 'apns' | 'edge' | 'phone' | 'node';

export interface CallEvent {
  readonly at: number;
  readonly ms: number;
  readonly type: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly arrow: { readonly from: Party; readonly to?: Party; readonly label: string; readonly device?: string };
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A SIP message of a call, as it was on the wire but for what is secret. */
export interface CallMessage {
  readonly at: number;
  readonly protocol: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly text: string;
}

export interface CallDetail {
  readonly summary: CallSummary;
  /** The columns of its ladder. */
  readonly parties: readonly Party[];
  readonly events: readonly CallEvent[];
  readonly dropped: number;
  /** Empty unless callwake keeps them (`timeline.messages`). */
  readonly messages: readonly CallMessage[];
}

export interface Device {
  readonly id: string;
  readonly aor: string;
  readonly platform: string;
  readonly userAgent?: string;
  readonly deviceName?: string;
  readonly state: { readonly state: string; readonly reason: string };
  readonly seenAt: number;
  readonly encrypted: boolean;
  readonly bindings: readonly {
    readonly uri: string;
    readonly path: readonly string[];
    readonly mode: string;
    readonly source: string;
    readonly registeredAt: number;
    readonly expiresAt: number;
  }[];
  readonly tokens: readonly {
    readonly kind: string;
    /** Stands for the token, as in the log. */
    readonly hash: string;
    readonly bundleId: string;
    readonly teamId: string;
    readonly environment?: string;
    readonly seenAt: number;
  }[];
}

/** A page of a search. */
export interface FoundDevices {
  readonly items: readonly { readonly aor: string; readonly devices: readonly Device[] }[];
  readonly next?: string;
  readonly total: number;
  readonly states: Readonly<Record<'active' | 'suspended' | 'unregistered' | 'unreachable', number>>;
  readonly reading: boolean;
}

/** Something that happened to a phone. */
export interface DeviceEvent {
  readonly at: number;
  readonly what: string;
  readonly text: string;
  readonly times: number;
  readonly callUuid?: string;
}

export interface WakeStep {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly took: number;
  readonly text: string;
}

export interface WakeReport {
  readonly woken: boolean;
  readonly mode: string;
  readonly steps: readonly WakeStep[];
  readonly verdict: string;
}
