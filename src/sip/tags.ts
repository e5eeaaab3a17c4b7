/** A From or To header value without its tag; what stands inside quotes or angle brackets is left alone. */
export function withoutTag(value: string): string {
  const end = value.lastIndexOf('>');
  const head = end < 0 ? '' : value.slice(0, end + 1);
  const rest = end < 0 ? value : value.slice(end + 1);
  return head + rest.replace(/;\s*tag=[^;]*/i, '');
}

/** The same with this tag. A bare URI gets its angle brackets, so that the tag can't be taken for a URI parameter. */
export function withTag(value: string, tag: string): string {
  const bare = withoutTag(value).trim();
  return bare.includes('<') ? `${bare};tag=${tag}` : `<${bare.split(';', 1)[0]}>;tag=${tag}`;
}

/** The tag of a From or To header value, '' without one. */
export function tagOf(value: string): string {
  const rest = value.slice(value.lastIndexOf('>') + 1);
  return /;\s*tag=([^;\s]+)/i.exec(rest)?.[1] ?? '';
}
