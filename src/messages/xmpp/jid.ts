/** A JID taken apart (RFC 7622), as far as an answer depends on it. */
export interface Jid {
  /** Lower case. */
  readonly domain: string;
  /** Without the resource, as it came. */
  readonly bare: string;
  readonly resource?: string;
}

const MAX_JID = 3071;

/** Undefined for what can't be a JID. */
export function parseJid(text: string): Jid | undefined {
  if (text.length > MAX_JID) return undefined;
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const domain = bare.slice(bare.indexOf('@') + 1).toLowerCase();
  if (domain === '' || bare.startsWith('@') || /[\s@<>"'&]/.test(domain)) return undefined;
  return { domain, bare, ...(slash < 0 ? {} : { resource: text.slice(slash + 1) }) };
}
