import { bodyOf, firstHeader, type HeaderLines, headerLines } from './header-lines.js';

/** A message whose parts are read when they are asked for. */
export class LazyMessage {
  #lines: HeaderLines | undefined;
  #slim = false;

  constructor(readonly raw: string) {}

  get lines(): HeaderLines {
    if (this.#lines !== undefined) return this.#lines;
    const lines = headerLines(this.raw);
    if (!this.#slim) this.#lines = lines;
    return lines;
  }

  get body(): string {
    const body = bodyOf(this.raw);
    if (body === '') return body;
    const told = Number.parseInt(firstHeader(this.lines, 'content-length') ?? '', 10);
    // Bytes are at least as many as characters.
    if (Number.isNaN(told) || told >= body.length * 4) return body;
    const bytes = Buffer.from(body);
    return told < bytes.length ? bytes.toString('utf8', 0, told) : body;
  }

  /** Keeps nothing of what is read from now on, nor of what was: the text says it all. */
  slim(): void {
    this.#slim = true;
    this.#lines = undefined;
  }
}
