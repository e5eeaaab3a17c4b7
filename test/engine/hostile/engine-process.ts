import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { Secrets } from '../../../src/demo/secrets.js';
import { Peer, SDP } from '../support/peer.js';
import { newSrf, quit, SECRET, type Srf, type SrfRequest, type SrfResponse } from '../support/srf.js';

export interface EngineProcessOptions {
  /** Default: UDP and TCP on one port of 127.0.0.1. */
  contacts?: readonly string[];
  /** Further options of the command. */
  args?: readonly string[];
  /** Megabytes that its heap may take before it dies. */
  heap?: number;
}

interface Ready {
  contacts: { protocol: string; address: string; port: number }[];
  control: { port: number }[];
}

const CLI = 'build/src/cli.js';

/** `callwake engine` as a process of its own, with what tells whether strangers hurt it. */
export class EngineProcess {
  /** What it wrote on standard error: nothing, unless it crashed. */
  readonly errors: string[] = [];
  exitCode: number | undefined;

  private constructor(
    readonly child: ChildProcess,
    readonly ready: Ready,
  ) {
    child.once('exit', (code) => {
      this.exitCode = code ?? -1;
    });
    if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => this.errors.push(line));
  }

  /** Rejects when it ends before it is ready. */
  static async start(t: ExecutionContext | undefined, options: EngineProcessOptions = {}): Promise<EngineProcess> {
    const contacts = options.contacts ?? ['sip:127.0.0.1:0;transport=udp,tcp'];
    const args = contacts.flatMap((contact) => ['--contact', contact]);
    const child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${options.heap ?? 96}`,
        CLI,
        'engine',
        '--control',
        '127.0.0.1:0',
        '--with-parent',
        ...args,
        ...(options.args ?? []),
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, CALLWAKE_ENGINE_SECRET: SECRET, NODE_OPTIONS: '' } },
    );
    const exited = once(child, 'exit').then(() => {
      throw new Error('The engine ended before it was ready');
    });
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited]);
    exited.catch(() => undefined);
    const engine = new EngineProcess(child, JSON.parse(String(line)));
    t?.teardown(() => engine.stop());
    return engine;
  }

  get alive(): boolean {
    return this.exitCode === undefined;
  }

  /** The port of a transport. */
  port(protocol = 'udp'): number {
    return this.ready.contacts.find((contact) => contact.protocol === protocol)?.port ?? 0;
  }

  get controlPort(): number {
    return this.ready.control[0]?.port ?? 0;
  }

  /** Megabytes of memory that the process has. */
  memory(): number {
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(this.child.pid)]).toString()) / 1024;
  }

  /** An application that answers calls to `good` with 200 and everything else as told. */
  async app(
    t: ExecutionContext | undefined,
    answer: (req: SrfRequest, res: SrfResponse) => void = (req, res) => res.send(req.method === 'INVITE' ? 486 : 200),
  ): Promise<Srf> {
    const srf = newSrf();
    const methods = 'invite register options message info subscribe notify publish update refer'.split(' ');
    for (const method of methods) {
      srf.use(method, (req, res) => {
        if (method === 'invite' && req.uri.startsWith('sip:good@')) {
          srf.createUAS(req, res, { localSdp: SDP }).catch(() => undefined);
        } else answer(req, res);
      });
    }
    srf.on('error', () => undefined);
    const connected = once(srf, 'connect');
    srf.connect({ host: '127.0.0.1', port: this.controlPort, secret: SECRET });
    const [error] = await connected;
    if (error) throw error;
    await new Promise((resolve) => setTimeout(resolve, 50));
    t?.teardown(() => quit(srf));
    return srf;
  }

  /** INVITE, 200, ACK, BYE, 200 over a transport; rejects when anything of it does not come. */
  async goodCall(protocol: 'udp' | 'tcp' = 'udp'): Promise<void> {
    const peer = await (protocol === 'udp' ? Peer.udp() : Peer.tcp());
    const port = this.port(protocol);
    try {
      const invite = peer.request('INVITE', `sip:good@127.0.0.1:${port}`, { body: SDP });
      peer.send(invite, port);
      const ok = await peer.nextResponse(200, 'INVITE');
      peer.send(peer.inDialog('ACK', invite, ok), port);
      peer.send(peer.inDialog('BYE', invite, ok), port);
      await peer.nextResponse(200, 'BYE');
    } finally {
      peer.close();
    }
  }

  /** Rejects when it has written its secret, or of a session. */
  async stop(): Promise<void> {
    if (this.alive) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    const secrets = new Secrets();
    secrets.add('secret of the control protocol', SECRET);
    const shown = secrets.findIn(this.errors.join('\n'));
    if (shown.length > 0) throw new Error(`callwake engine shows ${shown.join(', ')}:\n${this.errors.join('\n')}`);
  }
}
