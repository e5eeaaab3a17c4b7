/** One step of a call as it is drawn: an arrow between two participants, or a note under one. */
export type LadderStep =
  | { readonly from: string; readonly to: string; readonly label: string }
  | { readonly at: string; readonly note: string };

const SPACING = 19;
const OFFSET = 10;

/**
 * A ladder diagram in text, drawn line by line as things happen: a column per participant, time on the left in
 * milliseconds since the call began.
 */
export class Ladder {
  readonly #columns: readonly string[];
  readonly #spacing: number;

  /** `spacing`: characters from one column to the next. */
  constructor(participants: readonly string[], spacing = SPACING) {
    this.#columns = participants;
    this.#spacing = spacing;
  }

  /** The line with the participants' names. */
  header(): string {
    const names = this.#columns.map((name) => center(name, this.#spacing)).join('');
    return `${'ms'.padStart(OFFSET - 1)} ${names}`.trimEnd();
  }

  /** One step at `ms` milliseconds. An unknown participant is an error of the caller's. */
  line(ms: number, step: LadderStep): string {
    const cells = this.#columns
      .map(() => '│')
      .map((bar) => center(bar, this.#spacing))
      .join('');
    const drawn = 'note' in step ? this.#note(cells, step.at, step.note) : this.#arrow(cells, step);
    return `${ms.toFixed(1).padStart(OFFSET - 1)} ${drawn}`.trimEnd();
  }

  #arrow(cells: string, { from, to, label }: { from: string; to: string; label: string }): string {
    const [start, end] = [this.#position(from), this.#position(to)];
    const [left, right] = [Math.min(start, end), Math.max(start, end)];
    const width = right - left - 1;
    const text = label.length > width - 3 ? `${label.slice(0, width - 4)}…` : label;
    const fill = width - 1 - text.length - 2;
    const before = Math.floor(fill / 2);
    const line = `${'─'.repeat(before)} ${text} ${'─'.repeat(fill - before)}`;
    const shaft = end > start ? `${line}▶` : `◀${line}`;
    return cells.slice(0, left + 1) + shaft + cells.slice(right);
  }

  #note(cells: string, at: string, note: string): string {
    const start = this.#position(at) + 2;
    const room = Math.max(cells.length, start + note.length);
    return cells.padEnd(room).slice(0, start) + note + cells.padEnd(room).slice(start + note.length);
  }

  #position(participant: string): number {
    const index = this.#columns.indexOf(participant);
    if (index < 0) throw new Error(`no participant ${participant} in this ladder`);
    return index * this.#spacing + Math.floor((this.#spacing - 1) / 2);
  }
}

function center(text: string, width: number): string {
  const before = Math.floor((width - text.length) / 2);
  return `${' '.repeat(Math.max(0, before))}${text}`.padEnd(width);
}
