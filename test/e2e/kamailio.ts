import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ping } from '../../src/cli/ping.js';
import { ended } from '../support/ended.js';

const CONFIG = 'deploy/kamailio-edge/kamailio.cfg';
const NEEDED = 'Kamailio is needed: apt-get install kamailio kamailio-tls-modules';
const STARTS = 40;

/** To speak TLS with callwake: the edge's own port, key and certificate, and the authority of callwake's certificate. */
export interface EdgeTls {
  readonly port: number;
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** Debian's Kamailio with the configuration that docker-compose.yml gives it, on a free loopback port. */
export class KamailioEdge {
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(
    core: { readonly host: string; readonly port: number },
    /** Where phones find it, UDP and TCP. */
    readonly port: number,
    tls?: EdgeTls,
    cores: readonly string[] = [],
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), 'callwake-kamailio-'));
    const defines = {
      EDGE_UDP: `udp:127.0.0.1:${port}`,
      EDGE_TCP: `tcp:127.0.0.1:${port}`,
      CORE_ADDRESS: core.host,
      CORE_PORT: core.port,
      ...(tls === undefined ? {} : this.#tlsDefines(tls)),
      ...(cores.length > 0 && { CORES: this.#file('cores.list', cores.map((core) => `1 ${core}\n`).join('')) }),
    };
    const options = Object.entries(defines).flatMap(([name, value]) => ['-A', `${name}=${value}`]);
    this.#child = spawn(
      'kamailio',
      ['-f', CONFIG, '-DD', '-E', '-m', '32', '-M', '8', '-Y', this.#folder, ...options],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: `${process.env.PATH}:/usr/sbin` },
      },
    );
    this.#child.stderr?.on('data', (chunk) => {
      this.#said = (this.#said + chunk).slice(-4000);
    });
    this.#child.on('error', () => {
      this.#said = NEEDED;
    });
  }

  /** The last of what it wrote. */
  get said(): string {
    return this.#said;
  }

  /** With `cores` phones' requests are split among these. Settles once it answers OPTIONS; rejects with what it said when it doesn't start. */
  static async start(
    core: { readonly host: string; readonly port: number },
    tls?: EdgeTls,
    cores?: readonly string[],
  ): Promise<KamailioEdge> {
    const edge = new KamailioEdge(core, await freePort(), tls, cores);
    for (let attempt = 1; ; attempt++) {
      const ready = await ping(`sip:127.0.0.1:${edge.port}`, 1000).catch(() => undefined);
      if (ready?.status === 200) return edge;
      if (
        attempt === STARTS ||
        edge.#child.exitCode !== null ||
        edge.#child.signalCode !== null ||
        edge.#said === NEEDED
      ) {
        await edge.close();
        throw new Error(`kamailio did not start: ${edge.#said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #tlsDefines({ port, key, cert, ca }: EdgeTls): Record<string, string> {
    return {
      EDGE_TLS: `tls:127.0.0.1:${port}`,
      EDGE_TLS_HOSTPORT: `127.0.0.1:${port}`,
      TLS_KEY: this.#file('edge.key', key),
      TLS_CERT: this.#file('edge.pem', cert),
      TLS_CA: this.#file('ca.pem', ca),
    };
  }

  #file(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return `"${path}"`;
  }

  async close(): Promise<void> {
    await ended(this.#child);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
