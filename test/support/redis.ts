import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** What a server is started with, besides a free port and a folder of its own: `['--appendonly', 'yes']`. */
export interface RedisServerOptions {
  readonly args?: readonly string[];
  readonly address?: string;
  /** Makes it a Sentinel with these lines of configuration. */
  readonly sentinel?: readonly string[];
}

/** A redis-server (Debian's redis-server package) of one test. */
export class RedisServer {
  #child: ChildProcess | undefined;

  private constructor(
    readonly address: string,
    readonly port: number,
    readonly folder: string,
    readonly args: readonly string[],
    readonly sentinel: readonly string[] | undefined,
  ) {}

  /** @throws {Error} when redis-server is missing or doesn't start */
  static async start({ args = [], address = '127.0.0.1', sentinel }: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'callwake-redis-'));
    const server = new RedisServer(address, await freePort(address), folder, args, sentinel);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://${this.address}:${this.port}`;
  }

  /** Starts it, on the port and with the data that it had. */
  async restart(): Promise<void> {
    const child = spawn('redis-server', this.#arguments(), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    if (this.sentinel !== undefined) goFirst(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
    const ended = new Promise<never>((_, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ENOENT' ? new Error('redis-server is missing: apt-get install redis-server') : error);
      });
      child.once('exit', (code) => reject(new Error(`redis-server ended (${code}): ${said}`)));
    });
    let over = false;
    ended.catch(() => {
      over = true;
    });
    await Promise.race([ended, this.#answers(() => over)]);
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** It neither answers nor closes its connections until {@link thaw}. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs one command. */
  async ask(...command: readonly [string, ...string[]]): Promise<unknown> {
    const client = new Redis({ host: this.address, port: this.port, retryStrategy: null, protocol: 2 });
    client.on('error', () => undefined);
    try {
      const [name, ...args] = command;
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  #arguments(): string[] {
    const place = ['--bind', this.address, '--port', String(this.port), '--dir', this.folder];
    if (this.sentinel === undefined) {
      // A replica gets the data when it asks, not five seconds later.
      const quick = ['--save', '', '--repl-diskless-sync-delay', '0'];
      return [...place, ...quick, '--loglevel', 'warning', ...this.args];
    }
    const file = join(this.folder, 'sentinel.conf');
    writeFileSync(file, `${this.sentinel.join('\n')}\n`);
    return [file, '--sentinel', ...place, ...this.args];
  }

  /** Settles once it answers, or `over`. */
  async #answers(over: () => boolean): Promise<void> {
    while (!over()) {
      const there = await this.ask('PING').catch((error: Error) => (/NOAUTH/.test(error.message) ? 'PONG' : undefined));
      if (there === 'PONG') return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A port that nobody listens on now. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return bound.port;
}

/** A Sentinel that got no processor for two seconds promotes nobody for the next thirty: it gets one before others, where this user may say so. */
function goFirst({ pid }: ChildProcess): void {
  if (pid !== undefined && process.getuid?.() === 0) setPriority(pid, -15);
}
