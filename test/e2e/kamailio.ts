import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ping } from '../../src/cli/ping.js';

const CONFIG = 'deploy/kamailio-edge/kamailio.cfg';
const NEEDED = 'Kamailio is needed: apt-get install kamailio';
const STARTS = 40;

/** Debian's Kamailio with the configuration that docker-compose.yml gives it, on a free loopback port. */
export class KamailioEdge {
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(
    core: { readonly host: string; readonly port: number },
    /** Where phones find it, UDP and TCP. */
    readonly port: number,
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), 'callwake-kamailio-'));
    const defines = {
      EDGE_UDP: `udp:127.0.0.1:${port}`,
      EDGE_TCP: `tcp:127.0.0.1:${port}`,
      CORE_ADDRESS: core.host,
      CORE_PORT: core.port,
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

  /** Settles once it answers OPTIONS; rejects with what it said when it doesn't start. */
  static async start(core: { readonly host: string; readonly port: number }): Promise<KamailioEdge> {
    const edge = new KamailioEdge(core, await freePort());
    for (let attempt = 1; ; attempt++) {
      const ready = await ping(`sip:127.0.0.1:${edge.port}`, 1000).catch(() => undefined);
      if (ready?.status === 200) return edge;
      if (attempt === STARTS || edge.#child.exitCode !== null || edge.#said === NEEDED) {
        await edge.close();
        throw new Error(`kamailio did not start: ${edge.#said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close(): Promise<void> {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
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
