import { arrowsOf, type Party, partiesOf } from './arrows.js';
import { Ladder } from './ladder.js';
import type { RecordedCall } from './recorder.js';

const SPACING = 23;
const NAMES: Readonly<Record<Party, string>> = {
  trunk: 'Trunk',
  callwake: 'callwake',
  apns: 'APNs',
  edge: 'edge',
  phone: 'Phone',
  node: 'other node',
};

/** A call as a ladder in text: a column per party, milliseconds since the INVITE on the left, the device on the right if there are several. */
export function ladderText({ summary, events, dropped }: RecordedCall): string {
  const several = summary.devices > 1;
  const ladder = new Ladder(
    partiesOf(events).map((party) => NAMES[party]),
    SPACING,
  );
  const lines = arrowsOf({ summary, events }).map(({ from, to, label, device }, index) => {
    const step = to === undefined ? { at: NAMES[from], note: label } : { from: NAMES[from], to: NAMES[to], label };
    return `${ladder.line(events[index]?.ms ?? 0, step)}${several && device !== undefined ? `  ${device}` : ''}`;
  });
  return [
    ...head(summary),
    '',
    ladder.header(),
    ...lines,
    ...(dropped > 0 ? [`          ... ${dropped} more`] : []),
    '',
  ].join('\n');
}

function head(summary: RecordedCall['summary']): string[] {
  const { callUuid, caller = 'unknown', called = 'unknown', startedAt, sessionId, callId, state, reason } = summary;
  return [
    `${caller} -> ${called}, ${new Date(startedAt).toISOString()}: ${reason ?? state}`,
    `call ${callUuid}${callId === undefined ? '' : `, Call-ID ${callId}`}${sessionId === undefined ? '' : `, Session-ID ${sessionId}`}`,
  ];
}
