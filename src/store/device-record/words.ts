/** How many words there may be: their numbers have two bytes in a record, the first 32 one. */
const MAX_WORDS = 4096;
const MAX_LENGTH = 600;
/** How many addresses must have had a text before it is a word. */
const WORTH_IT = 8;
const MAX_CANDIDATES = 2000;

/** Where words are kept, by number. Must have a word for good before it says that it has. */
export interface WordShelf {
  /** Keeps a word unless there is one of that number. Gives whether it did. */
  keep(number: number, word: string): Promise<boolean>;
  /** All words from a number on, in order, without a gap. */
  from(number: number): Iterable<string>;
}

interface Candidate {
  seen: number;
  lastBy: string;
}

/**
 * What the records of many addresses have in common, such as a User-Agent or the shape of a Contact, by number. A text becomes a word
 * when it has been seen at several addresses, and its number is used only once the shelf has it; it never changes.
 */
export class Words {
  readonly #shelf: WordShelf;
  readonly #words: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #candidates = new Map<string, Candidate>();
  #keeping = false;

  constructor(shelf: WordShelf) {
    this.#shelf = shelf;
    this.#catchUp();
  }

  /** @throws RangeError when nobody has kept a word of that number */
  word(number: number): string {
    if (this.#words[number] === undefined) this.#catchUp();
    const word = this.#words[number];
    if (word === undefined) throw new RangeError(`Word ${number} of the store is missing`);
    return word;
  }

  /** The number of a text, if it is a word. If not, it has been seen once more: at the address `by`. */
  number(text: string, by: string): number | undefined {
    const number = this.#numbers.get(text);
    if (number === undefined) this.#see(text, by);
    return number;
  }

  #see(text: string, by: string): void {
    if (this.#words.length >= MAX_WORDS || text.length > MAX_LENGTH || text.length < 2) return;
    const candidate = this.#candidates.get(text);
    if (candidate === undefined) {
      if (this.#candidates.size >= MAX_CANDIDATES) this.#candidates.clear();
      this.#candidates.set(text, { seen: 1, lastBy: by });
      return;
    }
    if (candidate.lastBy === by) return;
    candidate.lastBy = by;
    candidate.seen++;
    if (candidate.seen < WORTH_IT || this.#keeping) return;
    this.#candidates.delete(text);
    this.#keep(text);
  }

  #keep(text: string): void {
    this.#keeping = true;
    this.#shelf
      .keep(this.#words.length, text)
      .then(
        () => this.#catchUp(),
        () => undefined,
      )
      .finally(() => {
        this.#keeping = false;
      });
  }

  #catchUp(): void {
    for (const word of this.#shelf.from(this.#words.length)) {
      this.#numbers.set(word, this.#words.length);
      this.#words.push(word);
    }
  }
}
