const PREFIX = 'aor-';

/** The user part of callwake's own Path entry: says which AOR a request that comes back over it is for. */
export function aorToPathUser(aor: string): string {
  return PREFIX + Buffer.from(aor, 'utf8').toString('base64url');
}

/** The AOR that a Route's user part names; undefined when {@link aorToPathUser} didn't make it. */
export function aorFromPathUser(user: string | undefined): string | undefined {
  if (user === undefined || !user.startsWith(PREFIX) || user.length > 1024) return undefined;
  const aor = Buffer.from(user.slice(PREFIX.length), 'base64url').toString('utf8');
  return /^sip:[^\s<>]+$/.test(aor) ? aor : undefined;
}
