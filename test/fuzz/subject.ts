import type { Random } from '../../src/sim/random.js';

/** Something that is fed with hostile input. */
export interface Subject {
  /** Feeds one case; gives what went wrong, if anything did. */
  feed(random: Random): Promise<Finding | undefined>;
  close(): Promise<void>;
}

export interface Finding {
  readonly text: string;
  /** What was fed, to be kept. */
  readonly input: string | Buffer;
}

/** What strangers like to put where a text is expected. */
export const NASTY: readonly string[] = [
  '',
  ' ',
  '\r\nX-Injected: 1\r\n',
  '%0d%0aX-Injected:%201',
  '\u0000',
  '%00',
  '%s%s%s%n%n%x',
  '../../../../etc/passwd',
  '<script>alert(1)</script>',
  '"; DROP TABLE calls; --',
  '$' + '{jndi:ldap://127.0.0.1/x}',
  '\u001b[2J\u001b]0;owned\u0007',
  '\ud800',
  '\u{1F4A9}'.repeat(50),
  '\u202e\u0430dmin',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '0',
  '1e309',
  '9007199254740993',
  '4294967296',
  'NaN',
  'true',
  'null',
  '[]',
  '{}',
  'a'.repeat(5_000),
];
