/** A text does not follow the grammar of RFC 3261 section 25. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError';
}
