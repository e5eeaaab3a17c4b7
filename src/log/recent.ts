import type { LogLevel } from './logger.js';

/** A line of the log as JSON has it. */
export interface LogEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Which lines are wanted. All that is said must hold. */
export interface LogFilter {
  /** Those of this level and worse ones. */
  readonly level?: LogLevel;
  /** Somewhere in the line; case doesn't matter. */
  readonly text?: string;
  /** Those of the call with this UUID. */
  readonly callUuid?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
}

const RANKS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };
/** Longer lines are not kept: a stranger may have a hand in them. */
const MAX_LINE = 10_000;

/** Keeps the latest lines of the log, as they were written: without secrets. */
export class RecentLog {
  readonly #keep: number;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #next = 0;

  /** @param keep how many lines */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Takes a line of JSON. */
  add(line: string): void {
    if (this.#keep > 0 && line.length <= MAX_LINE) {
      this.#lines[this.#next] = line;
      this.#next = (this.#next + 1) % this.#keep;
    }
    for (const listener of this.#listeners) listener(line);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** The latest lines that fit, at most `limit`, in the order in which they were written. */
  find(filter: LogFilter, limit: number): readonly LogEntry[] {
    const found: LogEntry[] = [];
    for (let back = 1; back <= this.#lines.length && found.length < limit; back++) {
      const place = (this.#next - back + this.#lines.length) % this.#lines.length;
      const entry = matching(this.#lines[place] ?? '', filter);
      if (entry !== undefined) found.push(entry);
    }
    return found.reverse();
  }

  /** Forgets the lines with a text in them. Gives how many there were. */
  forget(text: string): number {
    const order = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    const kept = order.filter((line) => !line.includes(text));
    const forgotten = this.#lines.length - kept.length;
    if (forgotten === 0) return 0;
    this.#lines.splice(0, this.#lines.length, ...kept);
    this.#next = kept.length;
    return forgotten;
  }

  /** Calls `listener` with each line that fits from now on. Gives what ends that. */
  listen(filter: LogFilter, listener: (entry: LogEntry) => void): () => void {
    const hear = (line: string): void => {
      const entry = matching(line, filter);
      if (entry !== undefined) listener(entry);
    };
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }
}

function matching(line: string, { level, text, callUuid, since }: LogFilter): LogEntry | undefined {
  if (text !== undefined && !line.toLowerCase().includes(text.toLowerCase())) return undefined;
  if (callUuid !== undefined && !line.includes(callUuid)) return undefined;
  const entry: LogEntry = JSON.parse(line);
  if (level !== undefined && RANKS[entry.level] > RANKS[level]) return undefined;
  if (callUuid !== undefined && entry.callUuid !== callUuid) return undefined;
  return since !== undefined && Date.parse(entry.time) < since ? undefined : entry;
}
