import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '../support/ended.js';

const NEEDED = 'baresip is needed: apt-get install baresip-core';
const MODULES = ['g711.so', 'aubridge.so'];
const APPLICATIONS = ['account.so', 'menu.so'];

export interface BaresipOptions {
  /** `sip:2001@corp.example` */
  readonly aor: string;
  readonly password?: string;
  /** Where it sends everything. */
  readonly server: { readonly host: string; readonly port: number; readonly transport: 'udp' | 'tcp' };
}

/** Debian's baresip without sound or screen: a softphone that registers and answers every call. */
export class Baresip {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #listeners = new Set<() => void>();
  #said = '';

  constructor({ aor, password = 'none', server }: BaresipOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'callwake-baresip-'));
    const { host, port, transport } = server;
    const outbound = `sip:${host}:${port};transport=${transport}`;
    const options = `auth_pass=${password};outbound="${outbound}";regint=600;answermode=auto;audio_codecs=PCMU`;
    writeFileSync(join(this.#folder, 'accounts'), `<${aor};transport=${transport}>;${options}\n`);
    writeFileSync(join(this.#folder, 'config'), configuration());
    this.#child = spawn('baresip', ['-f', this.#folder, '-v'], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#said = (this.#said + chunk).slice(-20_000);
        for (const listener of [...this.#listeners]) listener();
      });
    }
    this.#child.on('error', () => {
      this.#said = NEEDED;
      for (const listener of [...this.#listeners]) listener();
    });
    this.#child.on('exit', () => {
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /** The last of what it wrote. */
  get said(): string {
    return this.#said;
  }

  /** Settles when it has written that. Rejects when it ends before. */
  says(what: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = what.test(this.#said);
        const { exitCode, signalCode } = this.#child;
        if (!found && exitCode === null && signalCode === null && this.#said !== NEEDED) return;
        this.#listeners.delete(look);
        if (found) resolve();
        else reject(new Error(`baresip ended before ${what}: ${this.#said}`));
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Quits as a user would: calls end, the registration is taken away. */
  async close(): Promise<void> {
    await ended(this.#child);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configuration(): string {
  return [
    'sip_listen 127.0.0.1:0',
    'net_interface 127.0.0.1',
    'call_max_calls 4',
    'audio_player aubridge,nil',
    'audio_source aubridge,nil',
    'audio_alert aubridge,nil',
    'rtp_ports 30000-40000',
    `module_path ${modulePath()}`,
    ...MODULES.map((module) => `module ${module}`),
    ...APPLICATIONS.map((module) => `module_app ${module}`),
    '',
  ].join('\n');
}

function modulePath(): string {
  const folders = ['/usr/lib', ...readdirSync('/usr/lib').map((entry) => `/usr/lib/${entry}`)];
  const found = folders.map((folder) => `${folder}/baresip/modules`).find((folder) => existsSync(folder));
  if (found === undefined) throw new Error(NEEDED);
  return found;
}
