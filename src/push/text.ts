/** A character of more code units than this (a letter under dozens of combining marks) may be cut inside. */
const LONGEST_CHARACTER = 32;

/** What people see one by one anyway; the segmenter is slow. */
const ASCII = /^[\x20-\x7e]*$/;

/**
 * The characters as people see them (UAX #29): an emoji or a letter with its marks is one. Joined they are the text again.
 * @param limit gives the first so many, at no more cost than that
 */
export function charactersOf(text: string, limit = Number.POSITIVE_INFINITY): string[] {
  if (ASCII.test(text)) return [...text.slice(0, Math.min(limit, text.length))];
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const characters: string[] = [];
  for (const { segment } of segmenter.segment(text)) {
    if (segment.length <= LONGEST_CHARACTER) characters.push(segment);
    else characters.push(...segment);
    if (characters.length >= limit) return characters.slice(0, limit);
  }
  return characters;
}

/**
 * At most so many characters of a text, cut between characters, as well-formed Unicode (half a surrogate pair becomes U+FFFD).
 * Costs no more for a megabyte than for what is kept.
 */
export function cutText(text: string, characters: number): string {
  if (text.length <= characters && ASCII.test(text)) return text;
  const wellFormed = toWellFormed(text.slice(0, characters * LONGEST_CHARACTER));
  return wellFormed.length <= characters ? wellFormed : charactersOf(wellFormed, characters).join('');
}

const toWellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
