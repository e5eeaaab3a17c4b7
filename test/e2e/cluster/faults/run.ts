import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../../../src/clock/clock.js';
import { Stage } from '../../../../src/demo/stage.js';
import { EdgeSimulator } from '../../../../src/sim/edge/index.js';
import type { PhoneSimulator } from '../../../../src/sim/phone/index.js';
import { DEFAULT_REDIS } from '../../../../src/store/redis/options.js';
import { RedisStore } from '../../../../src/store/redis/redis-store.js';
import { requestsIn } from '../../support.js';
import type { HistoryEvent, Registration } from './history.js';
import { Nemesis } from './nemesis.js';
import { FaultyNode } from './nodes.js';
import { Random } from './random.js';
import { RedisPair } from './redis-pair.js';
import { Trunk } from './trunk.js';

export interface FaultyRunOptions {
  readonly seed: number;
  readonly nodes: number;
  /** AORs; every fifth has two phones. */
  readonly lines: number;
  /** Calls per second. */
  readonly rate: number;
  /** How many things go wrong, one after the other. */
  readonly faults: number;
  /** Afterwards all nodes are drained and replaced, one by one, which nobody may notice. */
  readonly upgrade: boolean;
}

export interface FaultyRun {
  readonly history: readonly HistoryEvent[];
  /** What nodes logged as a fault of their own. */
  readonly said: readonly string[];
  /** All that the nodes logged. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

/** Until connections that were lost in a fault are there again, in milliseconds. */
const CALM_DOWN = 1_500;

interface Line {
  readonly user: string;
  readonly phones: readonly PhoneSimulator[];
}

/** Calls phones of a site while things go wrong, and writes down what was seen of it from outside. */
export async function runFaulty(options: FaultyRunOptions): Promise<FaultyRun> {
  const run = await Run.start(options);
  try {
    return await run.play();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #history: HistoryEvent[] = [];
  readonly #record = (event: HistoryEvent): void => void this.#history.push(event);
  readonly #lines: Line[] = [];

  private constructor(
    readonly options: FaultyRunOptions,
    readonly random: Random,
    readonly redis: RedisPair,
    readonly stage: Stage,
    readonly nodes: readonly FaultyNode[],
    readonly edges: readonly EdgeSimulator[],
  ) {}

  static async start(options: FaultyRunOptions): Promise<Run> {
    const random = new Random(options.seed);
    const redis = await RedisPair.start();
    const [own, ...others] = addresses(options.nodes);
    const store = { kind: 'redis', path: 'data', redis: { urls: [redis.url], timeout: '500ms' } };
    // The stage's own callwake makes way for one that can be started again.
    const stage = await Stage.start({
      edge: 'path',
      transport: 'tcp',
      // A phone of a busy machine may take its time.
      trunk: { probe: '15s' },
      config: { store, engine: FaultyNode.engineAt(own ?? ''), cluster: { node: 'n0' } },
    });
    await stage.callwake.stop();
    const nodes = await Promise.all(
      [own ?? '', ...others].map(
        async (address, n) => new FaultyNode(`n${n}`, address, await redis.wire(), stage.configFile),
      ),
    );
    await Promise.all(nodes.map((node) => node.start()));
    const edges = await Promise.all(nodes.map(({ sip }) => new EdgeSimulator({ mode: 'path', core: sip }).start()));
    return new Run(options, random, redis, stage, nodes, edges);
  }

  async play(): Promise<FaultyRun> {
    const { nodes, redis, random, options } = this;
    await this.#phones();
    const trunk = new Trunk(this.stage.cucm, nodes, this.#record);
    const roaming = this.#roam();
    const nemesis = new Nemesis({ nodes, redis, random, record: this.#record });
    await this.#load(trunk, nemesis.run(options.faults), false);
    await pause(CALM_DOWN);
    if (options.upgrade) await this.#load(trunk, nemesis.rollOver(), true);
    roaming.abort();
    this.#mend();
    await Promise.all(this.#lines.map((line) => this.#playOne(trunk, line, true)));
    const log = nodes.flatMap(({ name, log: lines }) => lines.map((line) => ({ node: name, ...line })));
    const seen = [...this.#history, ...this.#seen(), ...nodes.flatMap(unclaimedAt), ...(await this.#kept())];
    return {
      history: seen.sort((a, b) => a.at - b.at),
      said: log.filter(({ event }) => event === 'fault').map((line) => JSON.stringify(line)),
      log,
    };
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await this.stage.close();
    for (const edge of this.edges) await edge.close();
    await this.redis.stop();
  }

  async #phones(): Promise<void> {
    const { random } = this;
    for (let n = 0; n < this.options.lines; n++) {
      const user = String(2001 + n);
      const phones: PhoneSimulator[] = [];
      for (let each = 0; each < (n % 5 === 0 ? 2 : 1); each++) {
        const { phones: at } = random.pick(this.edges);
        const server = { host: at.address, port: at.port, transport: 'tcp' as const };
        const behaviour = { wakeDelayMs: random.between(100, 1_200), answerDelayMs: random.between(50, 600) };
        const phone = await this.stage.phone({ user, server, behaviour });
        await phone.background();
        phones.push(phone);
      }
      this.#lines.push({ user, phones });
    }
  }

  /** Edges go over to other nodes again and again. */
  #roam(): AbortController {
    const stop = new AbortController();
    const go = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const up = this.nodes.filter((node) => node.up);
        if (up.length > 0) this.random.pick(this.edges).home = this.random.pick(up).sip;
        await pause(150);
      }
    };
    void go();
    return stop;
  }

  /** Calls to free lines until `until` settles. */
  async #load(trunk: Trunk, until: Promise<void>, calm: boolean): Promise<void> {
    let over = false;
    const ended = until.finally(() => {
      over = true;
    });
    const free = [...this.#lines];
    const played: Promise<void>[] = [];
    while (!over) {
      const line = free.splice(Math.floor(this.random.next() * free.length), 1)[0];
      if (line !== undefined) {
        const one = this.#playOne(trunk, line, calm).then(() => {
          free.push(line);
        });
        played.push(one);
      }
      await pause(1_000 / this.options.rate);
    }
    await ended;
    await Promise.all(played);
  }

  /** One call; then the phones sleep again. */
  async #playOne(trunk: Trunk, { user, phones }: Line, calm: boolean): Promise<void> {
    await trunk.call(user, calm);
    await pause(100);
    await Promise.all(phones.map((phone) => phone.background().catch(() => undefined)));
  }

  #mend(): void {
    this.edges.forEach((edge, n) => {
      edge.home = this.nodes[n]?.sip ?? edge.home;
    });
  }

  /** What phones and Apple have seen. */
  #seen(): HistoryEvent[] {
    const ofToken = new Map<string, string>();
    const events = this.#lines.flatMap(({ phones }) =>
      phones.flatMap((phone): HistoryEvent[] => {
        const device = deviceOf(phone);
        ofToken.set(phone.identity.voipToken ?? '', device);
        const times = new Map(phone.messages.map(({ message, at }) => [message, at]));
        const invited = requestsIn(phone.messages, 'INVITE').map((invite): HistoryEvent => {
          const sender = invite.list('Via').at(-1) ?? '';
          const node = this.nodes.find(({ address }) => sender.includes(address))?.name ?? '';
          const callUuid = (invite.get('X-Callwake-Call-UUID') ?? '').toLowerCase();
          return { at: times.get(invite) ?? 0, type: 'invited', device, callUuid, node };
        });
        const rang = phone.events
          .all('ringing')
          .map(({ callUuid = '', at }): HistoryEvent => ({ at, type: 'rang', device, callUuid }));
        return [...acknowledged(phone), ...invited, ...rang];
      }),
    );
    const pushed = this.stage.apple.received.map(({ token, payload, receivedAt }): HistoryEvent => {
      const { callUuid = '' } = (payload as { callwake?: { callUuid?: string } }).callwake ?? {};
      return { at: receivedAt, type: 'pushed', device: ofToken.get(token) ?? token, callUuid: callUuid.toLowerCase() };
    });
    return [...events, ...pushed];
  }

  /** What the site knows of the phones, once nothing waits for Redis any more. */
  async #kept(): Promise<HistoryEvent[]> {
    const redis = { ...DEFAULT_REDIS, urls: [this.redis.url] };
    const store = new RedisStore({ redis, clock: systemClock, node: 'reader', cache: 0 });
    try {
      await store.link.up();
      const kept = async (): Promise<HistoryEvent[]> => {
        const found: HistoryEvent[] = [];
        for (const { user } of this.#lines) {
          const aor = `sip:${user}@corp.example`;
          for (const { id: device, bindings } of await store.devicesOf(aor)) {
            for (const { callId, cseq } of bindings) {
              found.push({ at: Date.now(), type: 'kept', aor, device, callId, cseq });
            }
          }
        }
        return found;
      };
      return await kept();
    } finally {
      await store.close();
    }
  }
}

/** Calls that a node went on with while it could not ask Redis whose they are. */
function unclaimedAt({ name: node, log }: FaultyNode): HistoryEvent[] {
  return log.flatMap(({ event, time, callUuid }): HistoryEvent[] => {
    if (event !== 'claim-skipped') return [];
    return [{ at: Date.parse(String(time)), type: 'unclaimed', callUuid: String(callUuid).toLowerCase(), node }];
  });
}

/** The phone's name as the site has it. */
function deviceOf({ identity }: PhoneSimulator): string {
  return identity.instance.replace(/^urn:uuid:/, '');
}

/** REGISTERs of a phone that were answered with 200. */
function acknowledged(phone: PhoneSimulator): HistoryEvent[] {
  return phone.messages.flatMap(({ direction, message, at }): HistoryEvent[] => {
    if (direction !== 'in' || message.kind !== 'response' || message.status !== 200) return [];
    const { method, number: cseq } = message.cseq;
    if (method !== 'REGISTER') return [];
    const aor = message.get('To')?.match(/sip:[^>]+/)?.[0] ?? '';
    const registration: Registration = { aor, device: deviceOf(phone), callId: message.callId, cseq };
    return [{ at, type: 'registered', ...registration }];
  });
}

/** What a history and a log have of the calls in a verdict's list, and what was done to the site: to be read by people. */
export function storyOf({ history, log }: FaultyRun, suspects: readonly string[]): string[] {
  const uuids = suspects.map((suspect) => suspect.split(' ').at(-1) ?? '');
  const about = (line: unknown): boolean => uuids.some((uuid) => JSON.stringify(line).toLowerCase().includes(uuid));
  return [...history.filter((event) => event.type === 'fault' || about(event)), ...log.filter(about)].map((line) =>
    JSON.stringify(line),
  );
}

/** Addresses of this process alone: several runs may share a machine. */
function addresses(count: number): string[] {
  const { pid } = process;
  return Array.from({ length: count }, (_, n) => `127.${64 + ((pid >> 8) & 127)}.${pid & 255}.${n + 1}`);
}
