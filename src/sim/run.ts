import type { Events, SimEvent } from './ua/events.js';

/** A simulator that runs as a command. */
export interface RunningSim {
  /** Resolves when there is nothing more to do: after the calls it was asked for, or after `close`. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/** Where a command writes its lines. */
export interface RunOutput {
  /** Takes one line without its newline; default: standard output. */
  readonly write?: (line: string) => void;
}

/** Writes each event as one JSON line: `{"at":"2026-01-05T08:00:00.000Z","sim":"phone","type":"ringing",...}`. */
export function printEvents<E extends SimEvent>(name: string, events: Events<E>, output: RunOutput): void {
  const write = output.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  events.onAny((event) => {
    write(JSON.stringify({ ...event, at: new Date(event.at).toISOString(), sim: name, type: event.type }));
  });
}

/** `done` and `close` of a command: `finish` ends `done`, `close` closes the simulator first. */
export function running(close: () => Promise<void>): { readonly sim: RunningSim; readonly finish: () => void } {
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const sim: RunningSim = {
    done,
    close: async () => {
      await close();
      finish();
    },
  };
  return { sim, finish };
}
