import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '../support/ended.js';

const NEEDED = 'Prosody is needed: apt-get install prosody prosody-modules';
const CLOUD_NOTIFY = '/usr/lib/prosody/modules/mod_cloud_notify/mod_cloud_notify.lua';
const KEPT = 200_000;

export interface ProsodyOptions {
  readonly domain: string;
  /** The component's domain and the secret that it has to show. */
  readonly component: string;
  readonly secret: string;
  /** Their passwords are their names. */
  readonly users: readonly string[];
  /** Further lines of its configuration. */
  readonly settings?: readonly string[];
}

/** Debian's Prosody with mod_cloud_notify (XEP-0357) on free loopback ports, its data in a folder of its own. */
export class Prosody {
  readonly #folder: string;
  #child: ChildProcess;
  #said = '';
  readonly #listeners = new Set<() => void>();

  private constructor(
    folder: string,
    /** Where clients connect. */
    readonly clients: number,
    /** Where components connect. */
    readonly components: number,
  ) {
    this.#folder = folder;
    this.#child = this.#spawn();
  }

  /** Settles when it takes connections. */
  static async start(options: ProsodyOptions): Promise<Prosody> {
    if (!existsSync(CLOUD_NOTIFY)) throw new Error(NEEDED);
    const folder = mkdtempSync(join(tmpdir(), 'callwake-prosody-'));
    const [clients, components] = [await freePort(), await freePort()];
    writeFileSync(join(folder, 'prosody.cfg.lua'), configuration(options, folder, clients, components));
    const accounts = join(folder, 'data', encoded(options.domain), 'accounts');
    mkdirSync(accounts, { recursive: true });
    for (const user of options.users) {
      writeFileSync(join(accounts, `${user}.dat`), `return { ["password"] = "${user}"; };\n`);
    }
    const prosody = new Prosody(folder, clients, components);
    await prosody.#ready();
    return prosody;
  }

  /** The last of its log. */
  get said(): string {
    return this.#said;
  }

  /** Settles when it has written that since it was started. Rejects when it ends before. */
  says(what: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = what.test(this.#said);
        const { exitCode, signalCode } = this.#child;
        if (!found && exitCode === null && signalCode === null) return;
        this.#listeners.delete(look);
        if (found) resolve();
        else reject(new Error(`Prosody ended before ${what}: ${this.#said.slice(-4000)}`));
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Ends it as its service manager would. */
  async stop(): Promise<void> {
    await ended(this.#child);
  }

  /** Starts it again with the same data and ports. */
  async restart(): Promise<void> {
    await this.stop();
    this.#said = '';
    this.#child = this.#spawn();
    await this.#ready();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    await this.says(/Activated service 'c2s' on/);
    await this.says(/Activated service 'component' on/);
  }

  #spawn(): ChildProcess {
    const child = spawn('prosody', ['-F', '--config', join(this.#folder, 'prosody.cfg.lua')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        this.#said = (this.#said + chunk).slice(-KEPT);
        this.#look();
      });
    }
    for (const end of ['exit', 'error']) child.on(end, () => this.#look());
    return child;
  }

  #look(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function configuration(options: ProsodyOptions, folder: string, clients: number, components: number): string {
  const { domain, component, secret, settings = [] } = options;
  return [
    'run_as_root = true',
    'daemonize = false',
    `pidfile = "${folder}/prosody.pid"`,
    `data_path = "${folder}/data"`,
    'log = { { levels = { min = "debug" }; to = "console"; timestamps = false } }',
    'interfaces = { "127.0.0.1" }',
    `c2s_ports = { ${clients} }`,
    `component_ports = { ${components} }`,
    'modules_enabled = { "saslauth"; "disco"; "roster"; "offline"; "cloud_notify"; "posix" }',
    'modules_disabled = { "s2s"; "tls" }',
    'authentication = "internal_plain"',
    'c2s_require_encryption = false',
    'allow_unencrypted_plain_auth = true',
    ...settings,
    `VirtualHost "${domain}"`,
    `Component "${component}"`,
    `component_secret = "${secret}"`,
    '',
  ].join('\n');
}

/** A name as Prosody writes it in file names. */
function encoded(text: string): string {
  return text.replace(/[^\w]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
