import type { Timeline } from './timeline.js';

/** A SIP message of a call on its way, as far as a ladder shows it. */
export interface WireNote {
  /** `in`: callwake got it; `out`: callwake sent it. */
  readonly way: 'in' | 'out';
  /** Who is at the other end. */
  readonly party: 'trunk' | 'phone';
  readonly device?: string | undefined;
  readonly method: string;
  /** Of a response. */
  readonly status?: number | undefined;
  /** The engine sent it by itself. */
  readonly by?: 'engine';
}

/** Writes messages down that no other event tells of. */
export function recordWire(timeline: Timeline, notes: readonly WireNote[]): void {
  for (const { way, party, device, method, status, by } of notes) {
    timeline.record(way === 'in' ? 'sip-received' : 'sip-sent', { party, method, status, device, by });
  }
}

/** The 100 that the engine sends as soon as an INVITE has come. */
export function trying(party: WireNote['party']): readonly WireNote[] {
  return [{ way: 'out', party, method: 'INVITE', status: 100, by: 'engine' }];
}

/** The caller gave up, by CANCEL or by BYE, and got these answers. */
export function recordCancel(timeline: Timeline, reason: string | undefined, answers: readonly WireNote[]): void {
  const method = answers[0]?.method === 'BYE' ? 'BYE' : undefined;
  timeline.record('cancelled', { reason, ...(method === undefined ? {} : { method }) });
  recordWire(timeline, answers);
}
