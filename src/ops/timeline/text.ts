import { arrowOf, PARTIES, type Party } from './arrows.js';
import type { RecordedCall } from './recorder.js';

const SPACING = 24;
const NAMES: Readonly<Record<Party, string>> = { trunk: 'Trunk', callwake: 'callwake', apns: 'APNs', phone: 'Phone' };

/** A call as a ladder in text: a column per party, milliseconds since the INVITE on the left, the device on the right if there are several. */
export function ladderText({ summary, events, dropped }: RecordedCall): string {
  const several = summary.devices > 1;
  const lines = events.map((event) => {
    const arrow = arrowOf(event, summary.direction);
    const drawn = arrow.to === undefined ? note(arrow.from, arrow.label) : shaft(arrow.from, arrow.to, arrow.label);
    const device = several && arrow.device !== undefined ? `  ${arrow.device}` : '';
    return `${event.ms.toFixed(1).padStart(9)} ${drawn}${device}`.trimEnd();
  });
  const names = PARTIES.map((party) => center(NAMES[party]))
    .join('')
    .trimEnd();
  return [
    ...head(summary),
    '',
    `${'ms'.padStart(9)} ${names}`,
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

const position = (party: Party): number => PARTIES.indexOf(party) * SPACING + SPACING / 2;
const bars = PARTIES.map(() => center('|')).join('');

function shaft(from: Party, to: Party, label: string): string {
  const [left, right] = [Math.min(position(from), position(to)), Math.max(position(from), position(to))];
  const width = right - left - 1;
  const text = label.length > width - 4 ? `${label.slice(0, width - 7)}...` : label;
  const fill = width - 1 - text.length - 2;
  const before = Math.floor(fill / 2);
  const line = `${'-'.repeat(before)} ${text} ${'-'.repeat(fill - before)}`;
  const arrow = position(to) > position(from) ? `${line}>` : `<${line}`;
  return bars.slice(0, left + 1) + arrow + bars.slice(right);
}

function note(at: Party, label: string): string {
  const start = position(at) + 2;
  return bars.slice(0, start) + label + bars.slice(start + label.length);
}

function center(text: string): string {
  const before = Math.floor((SPACING - text.length) / 2) + (text.length % 2 === 0 ? 0 : 1);
  return `${' '.repeat(before)}${text}`.padEnd(SPACING);
}
