import type { TimelineEvent } from '../../calls/timeline.js';
import type { CallSummary } from './summary.js';

/** Who takes part in a call, from left to right; `node`: other nodes of the site. */
export const PARTIES = ['trunk', 'callwake', 'apns', 'edge', 'phone', 'node'] as const;
export type Party = (typeof PARTIES)[number];

/** Those that a ladder has columns for: the edge only where phones are behind one, which their messages pass; other nodes only where one took part. */
export function partiesOf(events: readonly TimelineEvent[]): readonly Party[] {
  const behind = events.some(({ fields: { mode } }) => mode === 'path' || mode === 'rewrite');
  const others = events.some(({ type }) => EVENTS[type]?.includes('node'));
  return PARTIES.filter((party) => (party !== 'edge' || behind) && (party !== 'node' || others));
}

/** An event as a ladder shows it: a message between two parties, or something that happened within callwake. */
export interface Arrow {
  readonly from: Party;
  /** Missing: a note. */
  readonly to?: Party;
  readonly label: string;
  /** The device that it is about, when the call has several. */
  readonly device?: string;
}

type Draw = readonly [from: Party, to: Party | undefined, label: string];

/** What each event is; `{name}` stands for one of its fields. Events that aren't named here are notes of callwake's. */
const EVENTS: Readonly<Record<string, Draw>> = {
  'outbound-received': ['phone', 'callwake', 'INVITE'],
  device: ['callwake', undefined, '{platform} is {state}: {action}'],
  'push-asked': ['callwake', 'apns', 'VoIP push'],
  'push-accepted': ['apns', 'callwake', '200 ({answerMs} ms)'],
  'push-refused': ['apns', 'callwake', '{status} {reason}'],
  'push-unreachable': ['callwake', undefined, 'APNs not reached: {reason}'],
  'push-withdrawn': ['callwake', undefined, 'push withdrawn'],
  'device-woke': ['phone', 'callwake', 'REGISTER ({mode})'],
  'node-told': ['node', 'callwake', 'the phone registered at {node}'],
  'register-no-leg': ['phone', 'callwake', 'REGISTER (leg is {leg})'],
  'register-refused': ['callwake', 'phone', '{status} (REGISTER)'],
  'leg-invited': ['callwake', 'phone', 'INVITE ({mode})'],
  'leg-provisional': ['phone', 'callwake', '{status}'],
  'leg-answered': ['phone', 'callwake', '{status} (INVITE)'],
  'leg-failed': ['phone', 'callwake', '{status} {reason}'],
  'leg-cancelled': ['callwake', 'phone', 'CANCEL'],
  'no-sign-of-life': ['callwake', undefined, 'no sign of life'],
  ringback: ['callwake', undefined, 'ringback: nobody rings yet'],
  'trunk-invited': ['callwake', 'trunk', 'INVITE {peer}'],
  'trunk-passed-over': ['trunk', 'callwake', '{status} {reason}, next peer'],
  'trunk-provisional': ['trunk', 'callwake', '{status}'],
  'trunk-answered': ['trunk', 'callwake', '{status} (INVITE)'],
  'trunk-failed': ['trunk', 'callwake', '{status} {reason}'],
  'fallback-invited': ['callwake', undefined, 'fallback to {number}: {reason}'],
  'fallback-trying': ['callwake', 'trunk', 'INVITE {peer}'],
  'fallback-provisional': ['trunk', 'callwake', '{status}'],
  'fallback-answered': ['trunk', 'callwake', '{status} (INVITE)'],
  'fallback-failed': ['trunk', 'callwake', '{status} {reason}'],
  'late-device-told': ['callwake', 'phone', 'INVITE, CANCEL'],
  'late-device-busy': ['callwake', undefined, 'late, but busy in another call'],
  'alert-asked': ['callwake', 'apns', 'alert push: {why}'],
  'devices-read': ['callwake', undefined, 'devices of the AOR read: {devices}'],
  'journal-written': ['callwake', undefined, 'journal ({store}): {what}'],
  'journal-failed': ['callwake', undefined, 'journal ({store}) NOT written: {what}'],
  'node-asked': ['callwake', 'node', 'asks {node} for the call'],
  'call-claimed': ['callwake', undefined, 'the call is this node’s: {node}'],
  'call-inherited': ['node', 'callwake', 'the call, from {from} (journal: {journal})'],
  'claim-skipped': ['callwake', undefined, 'not claimed: {why}'],
  'left-to-node': ['callwake', 'node', 'leaves the call to {node}'],
  'hold-over': ['callwake', undefined, 'hold over'],
  'ring-over': ['callwake', undefined, 'rang too long'],
  'taken-over': ['callwake', undefined, 'taken over after a restart'],
  aborted: ['callwake', undefined, '{text}'],
  end: ['callwake', undefined, 'end: {reason}'],
};

/** Who is at the two ends of a call. */
interface Ends {
  readonly caller: Party;
  readonly callee: Party;
}

/** How a ladder shows each event of a call. */
export function arrowsOf({
  summary,
  events,
}: {
  readonly summary: Pick<CallSummary, 'direction'>;
  readonly events: readonly TimelineEvent[];
}): readonly Arrow[] {
  const outbound = summary.direction === 'to-trunk';
  let ends: Ends = outbound ? { caller: 'phone', callee: 'trunk' } : { caller: 'trunk', callee: 'phone' };
  return events.map((event) => {
    const { type, fields } = event;
    if (type === 'invite-received' && fields.from === 'phone') ends = { ...ends, caller: 'phone' };
    if (type === 'fallback-answered') ends = { ...ends, callee: 'trunk' };
    return arrowOf(event, ends);
  });
}

/** Whether it is a SIP message between callwake and the trunk or a phone of the call. */
export function isSip({ from, to, label }: Arrow): boolean {
  const other = from === 'callwake' ? to : from;
  return to !== undefined && (other === 'trunk' || other === 'phone') && !label.startsWith('REGISTER');
}

function arrowOf({ type, fields }: TimelineEvent, ends: Ends): Arrow {
  const [from, to, label] = drawOf(type, fields, ends);
  const device = fields.device;
  return {
    from,
    ...(to === undefined ? {} : { to }),
    label: label.replace(/\{(\w+)\}/g, (_, name: string) => String(fields[name] ?? '')).replace(/ ?\(\)| +$/g, ''),
    ...(typeof device === 'string' ? { device } : {}),
  };
}

function drawOf(type: string, fields: TimelineEvent['fields'], { caller, callee }: Ends): Draw {
  switch (type) {
    case 'sip-received':
      return [partyIn(fields), 'callwake', wordOf(fields)];
    case 'sip-sent':
      return ['callwake', partyIn(fields), wordOf(fields)];
    case 'invite-received':
      return [caller, 'callwake', 'INVITE'];
    case 'cancelled':
      return [caller, 'callwake', fields.method === 'BYE' ? 'BYE {reason}' : 'CANCEL {reason}'];
    case 'rejected-upstream':
      return ['callwake', caller, '{status} {reason}'];
    case 'hung-up':
      if (fields.by === 'operator') return ['callwake', undefined, 'ended by an operator: BYE to both'];
      return [fields.by === 'caller' ? caller : callee, 'callwake', 'BYE'];
    case 'leg-invited':
      if (fields.node !== undefined) return ['callwake', 'phone', 'INVITE ({mode}) over node {node}'];
      break;
    case 'leg-failed':
      if (fields.local === true) return ['callwake', undefined, 'no answer from the phone ({status} {reason})'];
      break;
    case 'device-woke':
      if (fields.from === 'store') return ['callwake', undefined, 'REGISTER ({mode}) found in the store'];
      break;
    case 'push-asked':
      if (fields.again === true) return ['callwake', 'apns', 'VoIP push again'];
      break;
    default:
  }
  return EVENTS[type] ?? ['callwake', undefined, type];
}

const partyIn = ({ party }: TimelineEvent['fields']): Party => (party === 'phone' ? 'phone' : 'trunk');

/** `INFO`, `180`, `200 (BYE)`. */
function wordOf({ method, status }: TimelineEvent['fields']): string {
  if (status === undefined) return '{method}';
  return method === 'INVITE' && Number(status) < 200 ? '{status}' : '{status} ({method})';
}
