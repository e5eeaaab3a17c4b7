import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface CallJournalOptions {
  /** Folder; made when the first record is written. */
  readonly path: string;
  /** Bytes after which a file is ended; default 4 MB. */
  readonly fileSize?: number;
  /** Bytes of all files that are always allowed; beyond, at most four times what is live. Default 32 MB. */
  readonly slack?: number;
}

/** One file of the journal. */
interface Segment {
  readonly file: string;
  size: number;
  /** Records in it that are still good. */
  live: number;
}

interface Place {
  readonly segment: Segment;
  readonly size: number;
}

const NAME = /^calls-(\d{10})\.jsonl$/;

/**
 * The journal of calls as files that only grow: a line of JSON for each change, `["key", record]`, or `["key"]` when it is gone. The
 * kernel has a line when {@link put} returns, so a killed process loses nothing. Files go in the order that they were made in, once
 * nothing in them is good any more; what is still good in the first of too many is written again at the end. Nothing is read or
 * written before the first use, so that a command beside the running process disturbs nothing.
 */
export class CallJournal {
  readonly #path: string;
  readonly #fileSize: number;
  readonly #slack: number;
  readonly #places = new Map<string, Place>();
  readonly #segments: Segment[] = [];
  #next = 1;
  #fd: number | undefined;
  #started = false;
  #began = false;
  #torn = false;
  #bytes = 0;
  #liveBytes = 0;

  constructor({ path, fileSize = 4 << 20, slack = 32 << 20 }: CallJournalOptions) {
    this.#path = path;
    this.#fileSize = fileSize;
    this.#slack = slack;
  }

  /** @throws {Error} when the disk doesn't take it */
  put(key: string, record: unknown): void {
    this.#start();
    this.#append(key, JSON.stringify([key, record]), true);
    this.#tidy();
  }

  /** @throws {Error} when the disk doesn't take it */
  remove(key: string): void {
    this.#start();
    if (!this.#places.has(key)) return;
    this.#append(key, JSON.stringify([key]), false);
    this.#tidy();
  }

  /** What is there, in no order. */
  entries(): readonly (readonly [string, unknown])[] {
    this.#start();
    const found: [string, unknown][] = [];
    for (const segment of this.#segments) found.push(...this.#liveIn(segment));
    return found;
  }

  /** Whether there were files when it was first used: what is not in them, their process had seen to. */
  get began(): boolean {
    this.#start();
    return this.#began;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Learns from the files what is there. They are not written to any more: the last line may be half of one. */
  #start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const file of filesIn(this.#path)) {
      this.#began = true;
      this.#next = Number(NAME.exec(file)?.[1]) + 1;
      const segment: Segment = { file: join(this.#path, file), size: 0, live: 0 };
      this.#segments.push(segment);
      const text = readFileSync(segment.file, 'utf8');
      segment.size = Buffer.byteLength(text);
      this.#bytes += segment.size;
      for (const [line, entry] of entriesOf(text)) {
        if (entry.length > 1) this.#place(entry[0], { segment, size: Buffer.byteLength(line) + 1 });
        else this.#forget(entry[0]);
      }
    }
  }

  #append(key: string, json: string, live: boolean): void {
    const segment = this.#current();
    const line = `${this.#torn ? '\n' : ''}${json}\n`;
    const size = Buffer.byteLength(line);
    this.#torn = true;
    const written = writeSync(this.#fd ?? this.#open(segment), line);
    segment.size += written;
    this.#bytes += written;
    if (written < size) throw new Error(`only ${written} of ${size} bytes could be written to ${segment.file}`);
    this.#torn = false;
    if (live) this.#place(key, { segment, size });
    else this.#forget(key);
  }

  #current(): Segment {
    const last = this.#segments.at(-1);
    if (this.#fd !== undefined && last !== undefined && last.size < this.#fileSize) return last;
    this.close();
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    const name = `calls-${String(this.#next++).padStart(10, '0')}.jsonl`;
    const segment: Segment = { file: join(this.#path, name), size: 0, live: 0 };
    this.#open(segment);
    this.#segments.push(segment);
    return segment;
  }

  #open({ file }: Segment): number {
    this.#fd = openSync(file, 'a', 0o600);
    return this.#fd;
  }

  #place(key: string, place: Place): void {
    this.#forget(key);
    this.#places.set(key, place);
    place.segment.live++;
    this.#liveBytes += place.size;
  }

  #forget(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    place.segment.live--;
    this.#liveBytes -= place.size;
  }

  /** Only ever the first file goes: a line that says that a call is gone must not go before the lines that say that it is there. */
  #tidy(): void {
    let first = this.#segments[0];
    while (first !== undefined && first.live === 0 && this.#segments.length > 1) {
      unlinkSync(first.file);
      this.#bytes -= first.size;
      this.#segments.shift();
      first = this.#segments[0];
    }
    if (first === undefined || this.#segments.length < 3) return;
    if (this.#bytes <= Math.max(this.#slack, 4 * this.#liveBytes)) return;
    for (const [key, record] of this.#liveIn(first)) this.#append(key, JSON.stringify([key, record]), true);
  }

  #liveIn(segment: Segment): [string, unknown][] {
    if (segment.live === 0) return [];
    const found = new Map<string, unknown>();
    for (const [, [key, record]] of entriesOf(readFileSync(segment.file, 'utf8'))) {
      if (this.#places.get(key)?.segment === segment) found.set(key, record);
    }
    return [...found];
  }
}

function filesIn(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => NAME.test(name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The lines that are whole; a process that was killed, or a disk that was full, may leave half of one. */
function* entriesOf(text: string): Iterable<readonly [string, readonly [string, unknown?]]> {
  for (const line of text.split('\n')) {
    const entry = parsed(line);
    if (Array.isArray(entry) && typeof entry[0] === 'string') yield [line, entry as unknown as readonly [string]];
  }
}

function parsed(line: string): unknown {
  if (line === '') return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
