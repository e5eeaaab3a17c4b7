import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { registerCompletionHandler } from 'ava';

/** How long a file's process may live on when its tests are over, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Loaded by ava into the process of every test file: one that does not end after its tests, as something was not closed, says what that is and fails.
 */
export default function endsWithItsTests(): void {
  registerCompletionHandler(() => {
    setTimeout(() => {
      console.error(`The tests are over, but the process does not end. It still has: ${stillOpen().join(', ')}`);
      process.exit(1);
    }, PATIENCE).unref();
  });
}

/** What keeps this process alive: `['child 123 redis-server --port 4000', 'socket 127.0.0.1:5060 to 127.0.0.1:40000', 'Timeout']`. */
function stillOpen(): string[] {
  const { _getActiveHandles: handles } = process as NodeJS.Process & { _getActiveHandles?: () => object[] };
  const others = process.getActiveResourcesInfo().filter((resource) => !HANDLES.test(resource));
  return [...(handles?.call(process) ?? []).map(described), ...new Set(others)];
}

/** What is among the handles too. */
const HANDLES = /^(ProcessWrap|PipeWrap|TCPSocketWrap|TCPServerWrap|UDPWrap)$/;

function described(handle: object): string {
  if (handle instanceof Socket) {
    const { localAddress, localPort, remoteAddress, remotePort } = handle;
    return remoteAddress === undefined
      ? 'pipe'
      : `socket ${localAddress}:${localPort} to ${remoteAddress}:${remotePort}`;
  }
  if (!('spawnargs' in handle)) return handle.constructor.name;
  const { pid, spawnargs } = handle as ChildProcess;
  return `child ${pid} ${spawnargs.join(' ')}`;
}
