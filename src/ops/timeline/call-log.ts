import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../clock/clock.js';
import type { CallMessage } from './call-messages.js';
import type { RecordedCall } from './recorder.js';
import type { CallSummary } from './summary.js';

/** A call as a line of a file has it. */
export interface LoggedCall extends RecordedCall {
  readonly messages: readonly CallMessage[];
}

export interface CallLogOptions {
  readonly folder: string;
  /** Bytes after which a file is ended. */
  readonly fileSize: number;
  /** Milliseconds after which a file is deleted, from its last call. */
  readonly retention: number;
  readonly clock: Clock;
  readonly messagesOf: (call: CallSummary) => readonly CallMessage[];
  /** Told when writing begins to fail. */
  readonly onTrouble: (why: string) => void;
}

/** What comes after a call's end, such as an alert push, is written with it. */
const SETTLE = 5000;
const SWEEP = 3_600_000;
const MAX_WAITING = 5000;
const NAME = /^calls-\d{8}T\d{9}Z\.jsonl$/;

/** Writes calls that are over to files, a line of JSON each, and deletes old files. Never holds a call up. */
export class CallLog {
  readonly #options: CallLogOptions;
  readonly #due = new Map<string, { readonly timer: Timer; readonly read: () => RecordedCall | undefined }>();
  #lines: string[] = [];
  #writing: Promise<void> | undefined;
  #file: string | undefined;
  #size = 0;
  #sweptAt: number | undefined;
  #failing = false;

  constructor(options: CallLogOptions) {
    this.#options = options;
  }

  /** How many calls wait to be written. */
  get waiting(): number {
    return this.#due.size + this.#lines.length;
  }

  /** A call is over; what there is of it is asked for a few seconds later. */
  ended(callUuid: string, read: () => RecordedCall | undefined): void {
    if (this.#due.has(callUuid)) return;
    if (this.#due.size + this.#lines.length >= MAX_WAITING) {
      this.#trouble('too many calls wait to be written');
      return;
    }
    const timer = this.#options.clock.setTimeout(() => this.#take(callUuid), SETTLE);
    this.#due.set(callUuid, { timer, read });
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    for (const [callUuid, { timer }] of [...this.#due]) {
      timer.cancel();
      this.#take(callUuid);
    }
    await this.#writing;
  }

  #take(callUuid: string): void {
    const call = this.#due.get(callUuid)?.read();
    this.#due.delete(callUuid);
    if (call === undefined) return;
    const { summary, dropped } = call;
    // The names of the call are in its summary.
    const events = call.events.map(({ at, ms, type, fields }) => ({ at, ms, type, fields }));
    this.#lines.push(`${JSON.stringify({ summary, events, dropped, messages: this.#options.messagesOf(summary) })}\n`);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    while (this.#lines.length > 0) {
      const text = this.#lines.join('');
      this.#lines = [];
      try {
        await this.#append(text);
        this.#failing = false;
      } catch (error) {
        this.#trouble(error instanceof Error ? error.message : String(error));
      }
    }
  }

  async #append(text: string): Promise<void> {
    const { folder, fileSize, clock } = this.#options;
    const now = clock.now();
    if (this.#sweptAt === undefined || now - this.#sweptAt >= SWEEP) {
      await mkdir(folder, { recursive: true, mode: 0o750 });
      this.#sweptAt = now;
      await this.#sweep(now);
    }
    if (this.#file === undefined || this.#size >= fileSize) {
      this.#file = join(folder, `calls-${new Date(now).toISOString().replace(/[-:.]/g, '')}.jsonl`);
      this.#size = 0;
    }
    const file = await open(this.#file, 'a', 0o640);
    try {
      await file.appendFile(text);
    } finally {
      await file.close();
    }
    this.#size += Buffer.byteLength(text);
  }

  async #sweep(now: number): Promise<void> {
    for (const path of await callFiles(this.#options.folder)) {
      if (path === this.#file) continue;
      const { mtimeMs } = await stat(path);
      if (now - mtimeMs > this.#options.retention) await rm(path, { force: true });
    }
  }

  #trouble(why: string): void {
    if (!this.#failing) this.#options.onTrouble(why);
    this.#failing = true;
  }
}

/** The files of a folder that calls were written to, the oldest first. */
export async function callFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => join(folder, name));
}
