import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { OutputScan, Secrets } from './secrets.js';

/** One line of callwake's JSON log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

/** Where callwake takes SIP. */
export interface SipListener {
  readonly transport: string;
  readonly host: string;
  readonly port: number;
}

const KEPT_LINES = 5_000;
/** Milliseconds that it may go on with held calls after SIGTERM, and after another, which gives them up. */
const ENDS_WITHIN = 60_000;
const HURRIES_WITHIN = 10_000;

/** A callwake that runs as a process of its own, started with `callwake start`. */
export class CallwakeProcess {
  readonly #child: ChildProcess;
  readonly #log: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  readonly #errors: string[] = [];
  readonly #exited: Promise<number>;
  /** Its exit code, once all that it wrote has been read. */
  readonly #closed: Promise<number>;
  readonly #scan: OutputScan;
  #app: number | undefined;

  /** @param secrets what it must not write anywhere, beside the secrets of its configuration; more may be added while it runs. */
  constructor(
    configFile: string,
    env: Readonly<Record<string, string>> = {},
    options: readonly string[] = [],
    readonly secrets: Secrets = new Secrets(),
  ) {
    secrets.addConfiguration(configFile);
    for (const [name, value] of Object.entries(env)) if (/secret|password/i.test(name)) secrets.add(name, value);
    this.#scan = new OutputScan(secrets);
    const cli = fileURLToPath(new URL('../cli.js', import.meta.url));
    // Source maps of the whole program make its start a sixth longer, and its own lines can be read.
    const nodeOptions = process.execArgv.filter((option) => option !== '--enable-source-maps');
    const args = [...nodeOptions, cli, 'start', '--config', configFile, ...options];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#exited = once(this.#child, 'exit').then(([code]) => (typeof code === 'number' ? code : 1));
    this.#closed = once(this.#child, 'close').then(() => this.#exited);
    const { stdout, stderr } = this.#child;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#take(line));
    if (stderr) {
      createInterface({ input: stderr }).on('line', (line) => {
        this.#scan.take(line);
        this.#keep(this.#errors, line);
      });
    }
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The process id of the app that has been ready last, if it has said so. */
  get app(): number | undefined {
    return this.#app;
  }

  /** The latest lines of its log. */
  get log(): readonly LogLine[] {
    return this.#log;
  }

  /** The latest lines of its standard error. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** Its exit code, once it has ended. */
  get exited(): Promise<number> {
    return this.#exited;
  }

  onLine(fn: (line: LogLine) => void): void {
    this.#listeners.add(fn);
  }

  /** The first line of that event that has been logged or will be. Rejects when the process ends before. */
  async logged(event: string, where: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    const found = this.#log.find((line) => line.event === event && where(line));
    if (found !== undefined) return found;
    let listener: (line: LogLine) => void = () => {};
    const line = new Promise<LogLine>((resolve) => {
      listener = (next) => {
        if (next.event === event && where(next)) resolve(next);
      };
      this.#listeners.add(listener);
    });
    const ended = this.#exited.then((code) => {
      throw new Error(
        `callwake ended with code ${code} before "${event}": ${this.#errors.join('\n') || this.#lastLog()}`,
      );
    });
    try {
      return await Promise.race([line, ended]);
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Where it takes SIP, once it is ready. */
  async ready(): Promise<readonly SipListener[]> {
    const { sip } = await this.logged('ready');
    return String(sip)
      .split(',')
      .map((hostport) => {
        const match = /^(\w+)\/(.+):(\d+)$/.exec(hostport);
        return { transport: match?.[1] ?? '', host: match?.[2] ?? '', port: Number(match?.[3]) };
      });
  }

  /**
   * Ends it as an operator would (SIGTERM); gives its exit code. Rejects when it has written a secret, at any time, and when it goes on for a minute, after
   * which it is ended all the same.
   */
  async stop(): Promise<number> {
    this.#child.kill('SIGTERM');
    const code = await this.#end();
    const found = this.#scan.end();
    if (found.length > 0) throw new Error(`callwake shows what it must not:\n${found.join('\n')}`);
    return code;
  }

  async #end(): Promise<number> {
    let late = false;
    const hurry = setTimeout(() => {
      late = true;
      this.#child.kill('SIGTERM');
    }, ENDS_WITHIN);
    const kill = setTimeout(() => {
      this.#child.kill('SIGKILL');
      for (const stream of this.#child.stdio) stream?.destroy();
    }, ENDS_WITHIN + HURRIES_WITHIN);
    const code = await this.#closed;
    clearTimeout(hurry);
    clearTimeout(kill);
    if (late) throw new Error(`callwake went on for a minute after SIGTERM, and last said ${this.#lastLog()}`);
    return code;
  }

  #take(text: string): void {
    this.#scan.take(text);
    let line: LogLine;
    try {
      line = JSON.parse(text);
    } catch {
      this.#keep(this.#errors, text);
      return;
    }
    if (line.event === 'ready' && typeof line.pid === 'number') this.#app = line.pid;
    this.#keep(this.#log, line);
    for (const listener of [...this.#listeners]) listener(line);
  }

  #keep<T>(list: T[], entry: T): void {
    list.push(entry);
    if (list.length > KEPT_LINES) list.splice(0, KEPT_LINES / 5);
  }

  #lastLog(): string {
    return JSON.stringify(this.#log.at(-1) ?? {});
  }
}
