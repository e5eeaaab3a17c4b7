import { ConfigError } from '../config/errors.js';

/** Exit codes: 0 done, 1 failed, 2 bad configuration or usage. */
export type ExitCode = 0 | 1 | 2;

/** Ends the command with a sentence for the user and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: 1 | 2,
  ) {
    super(message);
  }
}

/** What the user is told about an error, without stack trace, and the exit code that goes with it. */
export function explainError(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof ConfigError) {
    const count = error.problems.length;
    const head = `The configuration can't be used (${count} ${count === 1 ? 'problem' : 'problems'}):`;
    return { message: `${head}\n${error.message.replaceAll(/^/gm, '  ')}`, exitCode: 2 };
  }
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof Error) return { message: systemError(error) ?? error.message, exitCode: 1 };
  return { message: String(error), exitCode: 1 };
}

/** Node's error of a system call in words; undefined for any other error. */
function systemError(error: Error): string | undefined {
  if (!('code' in error) || !('syscall' in error)) return undefined;
  const address = 'address' in error ? String(error.address) : '';
  const place = 'port' in error ? `${address}:${String(error.port)}` : 'path' in error ? String(error.path) : address;
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `${place} is in use by another program; choose another port or stop that program`,
    EADDRNOTAVAIL: `${place} is no address of this machine`,
    EACCES: `no permission for ${place}`,
    ECONNREFUSED: `nobody listens on ${place}`,
    ENOENT: `there is no ${place}`,
  };
  return words[String(error.code)];
}
