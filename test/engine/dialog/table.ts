import type { ExecutionContext } from 'ava';
import { DialogError } from '../../../src/engine/dialog/errors.js';

/** What an event led to. */
export interface Outcome {
  /** Messages that were sent, in order. */
  readonly wire: string;
  /** What the user of the layer was told, in order; `end`: the dialog is over. */
  readonly told: string;
  /** Of the dialog; `none` while there is none. */
  readonly state: string;
}

/** A row: the event, and what it must lead to; `told` is `refused` where the layer throws DialogError. */
export type Row<Event extends string> = readonly [event: Event, wire: string, told: string, state: Outcome['state']];

/** What a table is about: made in a state, moved by events. */
export interface Subject {
  take(): Outcome;
}

/** Brings a new subject to the state for each row, lets the event happen and compares; every event must have its row. */
export async function holds<Event extends string, One extends Subject>(
  t: ExecutionContext,
  enter: () => One | Promise<One>,
  events: Readonly<Record<Event, (subject: One) => void | Promise<void>>>,
  rows: readonly Row<Event>[],
): Promise<void> {
  t.deepEqual([...new Set(rows.map(([event]) => event))].sort(), Object.keys(events).sort(), 'each event has its row');
  const seen: Row<Event>[] = [];
  for (const [event] of rows) {
    const subject = await enter();
    subject.take();
    let refused = '';
    try {
      await events[event](subject);
    } catch (error) {
      if (!(error instanceof DialogError)) throw error;
      refused = 'refused';
    }
    const { wire, told, state } = subject.take();
    seen.push([event, wire, [refused, told].filter(Boolean).join(', '), state]);
  }
  t.deepEqual(seen, rows);
}
