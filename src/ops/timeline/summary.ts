import type { EventFields, TimelineEvent } from '../../calls/timeline.js';

/** A call in a line of a list. */
export interface CallSummary {
  readonly callUuid: string;
  readonly sessionId?: string;
  readonly callId?: string;
  /** `to-phone`: from the trunk or another phone. `to-trunk`: from a phone. */
  readonly direction: 'to-phone' | 'to-trunk';
  readonly trunk?: string;
  /** The calling number or address; missing when the caller asked for privacy. */
  readonly caller?: string;
  /** The called address or number. */
  readonly called?: string;
  readonly state: 'held' | 'ringing' | 'up' | 'over';
  /** Why it ended. */
  readonly reason?: string;
  /** The last final status toward the caller, if it was refused. */
  readonly status?: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Milliseconds from the INVITE to the first ringing, to the answer, to the end. */
  readonly ringingAfter?: number;
  readonly answeredAfter?: number;
  readonly endedAfter?: number;
  /** Milliseconds from the first push's leaving to the first pushed device's REGISTER. */
  readonly wakeTook?: number;
  /** Milliseconds from the INVITE when the first push left; kept to measure the wake. */
  readonly pushedAfter?: number;
  readonly pushes: number;
  readonly devices: number;
}

/** The summary after one more event. */
export function summaryOf(call: CallSummary, { type, ms, at, fields }: TimelineEvent): CallSummary {
  switch (type) {
    case 'invite-received':
      return { ...call, ...texts(fields, { callId: 'callId', trunk: 'trunk', caller: 'caller', called: 'aor' }) };
    case 'outbound-received':
      return {
        ...call,
        direction: 'to-trunk',
        ...texts(fields, { callId: 'callId', trunk: 'trunk', caller: 'aor', called: 'number' }),
      };
    case 'device':
      return { ...call, devices: call.devices + 1 };
    case 'push-asked':
      return { ...call, pushes: call.pushes + 1, pushedAfter: call.pushedAfter ?? ms };
    case 'device-woke':
      return call.pushedAfter === undefined ? call : { ...call, wakeTook: call.wakeTook ?? ms - call.pushedAfter };
    case 'leg-provisional':
    case 'fallback-provisional':
    case 'trunk-provisional':
      return call.state === 'held' ? { ...call, state: 'ringing', ringingAfter: ms } : call;
    case 'leg-answered':
    case 'fallback-answered':
    case 'trunk-answered':
      return { ...call, state: 'up', answeredAfter: call.answeredAfter ?? ms };
    case 'taken-over':
      return fields.state === 'up' ? { ...call, state: 'up' } : call;
    case 'rejected-upstream':
      return typeof fields.status === 'number' ? { ...call, status: fields.status } : call;
    case 'end':
      return { ...call, state: 'over', endedAt: at, endedAfter: ms, ...texts(fields, { reason: 'reason' }) };
    default:
      return call;
  }
}

/** Those of the event's fields that are texts, by the names that they get. */
function texts(fields: EventFields, names: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, field] of Object.entries(names)) {
    const value = fields[field];
    if (typeof value === 'string') found[name] = value;
  }
  return found;
}
