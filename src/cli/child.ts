import { type ChildProcess, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { WatchedProcess } from './supervisor.js';

export interface ChildOptions {
  /** Added to the environment of this process; how secrets are handed over. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node's own, such as `--max-semi-space-size=64`. */
  readonly nodeOptions?: readonly string[];
  /** Gets the lines of standard output, instead of their going to this process's. */
  readonly onLine?: (line: string) => void;
}

/**
 * Starts another command of this program as a process of its own, out of reach of the terminal's Ctrl-C. Its standard input is a
 * pipe that closes when this process ends, however it ends.
 */
export function startChild(
  args: readonly string[],
  { env = {}, nodeOptions = [], onLine }: ChildOptions = {},
): WatchedProcess {
  const program = realpathSync(process.argv[1] ?? '');
  const child = spawn(process.execPath, [...process.execArgv, ...nodeOptions, program, ...args], {
    stdio: ['pipe', onLine ? 'pipe' : 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    detached: true,
  });
  child.stdin?.on('error', () => undefined);
  if (onLine) readLines(child, onLine);
  const exited = new Promise<number>((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
  return {
    exited,
    stop: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
    ...(child.pid !== undefined && { pid: child.pid }),
    tell: (line) => void child.stdin?.write(`${line}\n`),
    reload: () => void child.kill('SIGHUP'),
  };
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  child.stdout?.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/**
 * Calls `fn` when the parent process has gone: its end of our standard input is closed.
 * @param onLine gets what the parent says meanwhile, line by line
 */
export function whenParentEnds(fn: () => void, onLine: (line: string) => void = () => undefined): void {
  process.stdin.on('error', () => undefined);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', onLine);
  lines.on('close', fn);
}
