import { charactersOf } from './text.js';

/** A text that may be shortened to make a payload fit. */
export interface Shortening<Facts> {
  readonly member: keyof Facts;
  /** `cut`: between characters; `dots`: the same, and it ends with an ellipsis; `drop`: half of it is worth nothing. */
  readonly how: 'cut' | 'dots' | 'drop';
}

/** Bytes of a value as JSON in UTF-8. */
export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value), 'utf8');

/**
 * Builds a payload of at most `limit` bytes: where it would be longer, texts are shortened, the first of `order` first, none by more than
 * it takes. An empty text counts as none.
 * @param build must give a payload that is no longer for shorter texts, and fits when all of them are empty
 */
export function payloadWithin<Facts extends object, Payload>(
  facts: Facts,
  order: readonly Shortening<Facts>[],
  build: (facts: Facts) => Payload,
  limit: number,
): Payload {
  let fitted = facts;
  let payload = build(fitted);
  for (const { member, how } of order) {
    if (bytesOf(payload) <= limit) break;
    const text = fitted[member];
    if (typeof text !== 'string') continue;
    const before = fitted;
    const characters = how === 'drop' ? [] : charactersOf(text);
    const shortened = (length: number): Facts => {
      const kept = characters.slice(0, length).join('');
      return { ...before, [member]: how === 'dots' && kept !== '' ? `${kept}…` : kept };
    };
    fitted = shortened(longest(characters.length, (length) => bytesOf(build(shortened(length))) <= limit));
    payload = build(fitted);
  }
  return payload;
}

/** The greatest length below `length` that fits; 0 if none does. */
function longest(length: number, fits: (length: number) => boolean): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
