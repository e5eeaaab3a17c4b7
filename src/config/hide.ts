const SECRET = /secret|password/i;

/** A configuration (or a part of one) with its secrets replaced by `(hidden)`. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (SECRET.test(name) && typeof value === 'string') return '(hidden)';
  if (Array.isArray(value)) return value.map((entry) => withoutSecrets(entry));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutSecrets(entry, key)]));
}
