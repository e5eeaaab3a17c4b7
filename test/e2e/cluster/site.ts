import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { CallwakeProcess } from '../../../src/demo/callwake-process.js';
import type { Stage, StageOptions } from '../../../src/demo/stage.js';
import type { SipAddress } from '../../../src/sim/address.js';
import { EdgeSimulator } from '../../../src/sim/edge/index.js';
import type { PhoneSimulator, PhoneSimulatorOptions } from '../../../src/sim/phone/index.js';
import { eventually } from '../../support/eventually.js';
import { RedisServer } from '../../support/redis.js';
import { stageExactly } from '../support.js';

export interface SiteOptions {
  readonly edge?: 'path' | 'rewrite' | 'direct';
  readonly transport?: SipAddress['transport'];
  /** Of Redis: `['--appendonly', 'yes']`. */
  readonly redis?: readonly string[];
  /** Redis has a replica, and a Sentinel that nodes ask for the primary. */
  readonly sentinel?: boolean;
  readonly store?: Readonly<Record<string, unknown>>;
  readonly trunk?: StageOptions['trunk'];
}

/** A second node. */
export interface Node {
  readonly callwake: CallwakeProcess;
  readonly sip: SipAddress;
  readonly edge: EdgeSimulator | undefined;
  /** Its way to Redis. */
  readonly wire: Wire;
}

/** A way to a port of this machine that can be cut. */
export class Wire {
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(
    readonly server: Server,
    readonly port: number,
    /** The port at its far end, of connections to come. */
    public target: number,
  ) {}

  static async to(target: number): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const wire = new Wire(server, address.port, target);
    server.on('connection', (near) => {
      if (wire.#cut) return near.destroy();
      const far = connect(wire.target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        wire.#sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          wire.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
      return undefined;
    });
    return wire;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

/** Two nodes with an edge each, on one Redis: the stage's own callwake is node `a`. */
export class Site {
  private constructor(
    readonly stage: Stage,
    readonly redis: RedisServer,
    readonly b: Node,
  ) {}

  /** Taken down when the test ends. */
  static async start(t: ExecutionContext, options: SiteOptions = {}): Promise<Site> {
    const { edge = 'path', transport = 'tcp', trunk } = options;
    const redis = await RedisServer.start({ args: options.redis ?? [] });
    t.teardown(() => redis.stop());
    const watched = options.sentinel ? await withSentinel(t, redis) : undefined;
    const store = {
      kind: 'redis',
      path: 'data',
      redis: { urls: [redis.url], timeout: '500ms', ...watched, ...options.store },
    };
    const stage = await stageExactly(t, {
      edge,
      transport,
      ...(trunk && { trunk }),
      config: { store, cluster: { node: 'a' }, api: { enabled: true, port: 0, loopbackWithoutToken: true } },
    });
    const wire = await Wire.to(redis.port);
    t.teardown(() => wire.close());
    const env = {
      CALLWAKE_CLUSTER__NODE: 'b',
      ...(!watched && { CALLWAKE_STORE__REDIS__URLS: `["redis://127.0.0.1:${wire.port}"]` }),
    };
    const callwake = new CallwakeProcess(stage.configFile, env, [], stage.callwake.secrets);
    t.teardown(() => callwake.stop());
    const listener = (await callwake.ready()).find((candidate) => candidate.transport === transport);
    if (listener === undefined) throw new Error('node b does not listen');
    const sip = { host: listener.host, port: listener.port, transport };
    const second =
      edge === 'direct' ? undefined : await new EdgeSimulator({ mode: edge, core: sip, tls: stage.tls }).start();
    t.teardown(() => second?.close());
    return new Site(stage, redis, { callwake, sip, edge: second, wire });
  }

  /** A phone that registers at node b. */
  phoneAtB(options: Partial<PhoneSimulatorOptions> & { readonly user?: string } = {}): Promise<PhoneSimulator> {
    const { edge, sip } = this.b;
    const server = edge && { host: edge.phones.address, port: edge.phones.port, transport: sip.transport };
    return this.stage.phone({ server: server ?? sip, ...options });
  }

  /** CUCM sends what comes next to this node. */
  trunkTo(node: 'a' | 'b'): void {
    this.stage.cucm.trunk = node === 'a' ? this.stage.sip : this.b.sip;
  }

  /** What a node answers to GET. */
  async get(node: 'a' | 'b', path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { url } = await (node === 'a' ? this.stage : this.b).callwake.logged('api listening');
    const response = await fetch(`${url}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** The push UUIDs that Apple got. */
  get pushes(): readonly string[] {
    return this.stage.apple.received.map(
      ({ payload }) => (payload as { callwake?: { callUuid?: string } } | undefined)?.callwake?.callUuid ?? '',
    );
  }
}

/** A replica, and a Sentinel that gives the primary up after a third of a second; gives what nodes are configured with. */
async function withSentinel(t: ExecutionContext, { address, port }: RedisServer): Promise<object> {
  const replica = await RedisServer.start({ args: ['--replicaof', address, String(port)] });
  t.teardown(() => replica.stop());
  const sentinel = await RedisServer.start({
    sentinel: [
      `sentinel monitor callwake ${address} ${port} 1`,
      'sentinel down-after-milliseconds callwake 300',
      'sentinel failover-timeout callwake 2000',
    ],
  });
  t.teardown(() => sentinel.stop());
  const facts = async (): Promise<string> => String(await sentinel.ask('SENTINEL', 'MASTER', 'callwake'));
  await eventually(async () => /num-slaves,1/.test(await facts()), 'the replica');
  return { mode: 'sentinel', urls: [sentinel.url] };
}

/** Ends a node as if its machine had lost its power: supervisor, engine and app at once. */
export function powerOff({ pid }: CallwakeProcess): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  for (const process_ of [pid, ...children]) process.kill(process_, 'SIGKILL');
}
