import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How long a program may take to end when it was asked to, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Settles when a program that a test has started has ended: asked to with SIGTERM, killed if it goes on for ten seconds. What it started itself and left
 * behind holds its pipes no longer. One that ended before, or never began, is ended already.
 */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    await exited;
    clearTimeout(late);
  }
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
}
