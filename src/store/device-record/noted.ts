import type { Parts } from './pattern.js';

/** A text as it was read: its pattern, and where the bytes of what stands in the pattern's places begin and end. */
interface NotedText {
  readonly value: string;
  /** Whether it may stand for earlier texts of the record. */
  readonly repeats: boolean;
  /** How many texts the record had before that it can stand for. */
  readonly known: number;
  readonly pattern: Parts['pattern'];
  readonly start: number;
  readonly end: number;
}

const NO_BYTES = Buffer.alloc(0);

/**
 * How the texts of a record that was read were taken apart, so that this need not be found out once more when it is written again:
 * most records change in little but their times.
 */
export class NotedTexts {
  bytes: Buffer;
  readonly #texts: NotedText[] = [];
  #known: readonly string[] = [];
  #next = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  note(text: NotedText): void {
    this.#texts.push(text);
  }

  /** All has been read; `known` are the texts that others can stand for, in their order. */
  close(known: readonly string[]): void {
    this.#known = known;
  }

  /** Lets go of all: what has been noted will not be asked for. */
  clear(): void {
    this.#texts.length = 0;
    this.#known = [];
    this.bytes = NO_BYTES;
  }

  /** The same text where it was read, if it would be taken apart in the same way behind the texts `known`. Texts are asked for in their order, mostly. */
  find(value: string, repeats: boolean, known: readonly string[]): NotedText | undefined {
    for (let i = this.#next; i < this.#texts.length; i++) {
      const text = this.#texts[i];
      if (text === undefined || text.repeats !== repeats || text.value !== value) continue;
      this.#next = i + 1;
      return !repeats || this.#isKnown(text.known, known) ? text : undefined;
    }
    return undefined;
  }

  #isKnown(count: number, known: readonly string[]): boolean {
    return known.length === count && known.every((text, i) => text === this.#known[i]);
  }
}
