import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** What a program said, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly said: string;
}

const LONGEST = 20_000;

/** sipvicious' programs by the names that they have had in Debian. */
export function sipvicious(tool: 'svmap' | 'svwar' | 'svcrack'): string {
  const found = [`/usr/bin/${tool}`, `/usr/bin/sipvicious_${tool}`].find((path) => existsSync(path));
  if (found === undefined) throw new Error('sipvicious is needed: apt-get install sipvicious');
  return found;
}

/** Runs a program to its end, and ends it after 20 seconds or once `enough` settles. */
export function run(
  t: ExecutionContext,
  program: string,
  args: readonly string[],
  enough?: Promise<unknown>,
): Promise<Ran> {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/tmp' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      said = (said + chunk).slice(-20_000);
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST);
  enough?.then(
    () => child.kill('SIGKILL'),
    () => child.kill('SIGKILL'),
  );
  t.teardown(() => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, said });
    });
  });
}

/** Connections that have begun to say something and never end it: a byte more every now and then. */
export class Slowloris {
  readonly #sockets: Socket[] = [];
  readonly #timer: NodeJS.Timeout;
  /**
   * @param from the address that they come from
   * @param start what each begins with
   */
  constructor(t: ExecutionContext, port: number, count: number, from: string, start: string, more: string) {
    for (let i = 0; i < count; i++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: from });
      socket.on('error', () => undefined);
      socket.on('data', () => undefined);
      socket.write(start);
      this.#sockets.push(socket);
    }
    this.#timer = setInterval(() => {
      for (const socket of this.#sockets) if (!socket.destroyed) socket.write(more);
    }, 500);
    t.teardown(() => this.end());
  }

  /** How many are still connected. */
  get open(): number {
    return this.#sockets.filter((socket) => socket.readyState === 'open').length;
  }

  end(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}
