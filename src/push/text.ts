const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** A character of more code units than this (a letter under dozens of combining marks) may be cut inside. */
const LONGEST_CHARACTER = 32;

/** The characters as people see them (UAX #29): an emoji or a letter with its marks is one. Joined they are the text again. */
export function charactersOf(text: string): string[] {
  const characters: string[] = [];
  for (const { segment } of segmenter.segment(text)) {
    if (segment.length <= LONGEST_CHARACTER) characters.push(segment);
    else characters.push(...segment);
  }
  return characters;
}

/**
 * At most so many characters of a text, cut between characters, as well-formed Unicode (half a surrogate pair becomes U+FFFD).
 * Costs no more for a megabyte than for what is kept.
 */
export function cutText(text: string, characters: number): string {
  const wellFormed = toWellFormed(text.slice(0, characters * LONGEST_CHARACTER));
  return wellFormed.length <= characters ? wellFormed : charactersOf(wellFormed).slice(0, characters).join('');
}

const toWellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
