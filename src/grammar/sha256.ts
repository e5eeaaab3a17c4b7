import crypto from 'node:crypto';

/** The SHA-256 of a text in UTF-8, in that encoding: at one go where this version of node can do that, which takes half the time. */
export const sha256: (text: string, encoding: 'hex' | 'base64url') => string =
  typeof crypto.hash === 'function'
    ? (text, encoding) => crypto.hash('sha256', text, encoding)
    : (text, encoding) => crypto.createHash('sha256').update(text, 'utf8').digest(encoding);
