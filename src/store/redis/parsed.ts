/** A value as Redis keeps it: JSON, or nothing. */
export function parsed(text: string | null | undefined): unknown {
  return text === null || text === undefined ? undefined : JSON.parse(text);
}
