import { z } from 'zod';
import type { Clock, Timer } from '../clock/clock.js';
import type { RedisStore } from '../store/redis/redis-store.js';
import { END_NODE } from '../store/redis/scripts.js';

/** How often a node says that it lives, in milliseconds. */
const BEAT = 400;
/** A node that hasn't for so long is gone: long enough for a pause of the collector, short enough for callers. */
const GONE_AFTER = 1_500;
/** A beat so much late shows that the process stood still: whoever waited for it may have gone on without it. */
const STALL = 500;

const facts = z.object({
  /** The run of its SIP engine. */
  engine: z.string(),
  version: z.string().optional(),
  /** Of its process. */
  pid: z.number().optional(),
});

/** What a node tells of itself. */
export type NodeFacts = z.infer<typeof facts>;

export interface NodesOptions {
  readonly store: RedisStore;
  readonly clock: Clock;
  readonly facts: NodeFacts;
  /** A node is gone that was seen alive from here. */
  readonly onGone: (node: string, facts: NodeFacts) => void;
}

/** A sign of life: its text in Redis and what that says. */
interface Sign {
  readonly text: string;
  readonly facts: NodeFacts;
}

/** Which nodes of the site live. */
export class Nodes {
  readonly #options: NodesOptions;
  readonly #seen = new Map<string, Sign>();
  /** The last sign of each that {@link ended} was told of. */
  readonly #ended = new Map<string, string>();
  #timer: Timer | undefined;
  #closed = false;
  /** When the next beat is due, of the monotonic clock. */
  #due: number | undefined;
  #stalledAt = Number.NEGATIVE_INFINITY;

  constructor(options: NodesOptions) {
    this.#options = options;
    this.#beat();
  }

  /** The other nodes that were alive a moment ago. */
  get others(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** Whether another process has this one's engine. */
  get sharesEngine(): boolean {
    const { engine } = this.#options.facts;
    return [...this.#seen.values()].some(({ facts }) => facts.engine === engine);
  }

  /** Milliseconds since this process stood still for long enough to be missed. */
  get sinceStall(): number {
    const now = this.#options.clock.monotonic();
    // What waited on sockets is heard before timers that are long due.
    return this.#isLate(now) ? 0 : now - this.#stalledAt;
  }

  /** @throws {RedisAway} when nobody knows */
  async lives(node: string): Promise<boolean> {
    const { link, keys } = this.#options.store;
    return (await link.run((client) => client.exists(keys.node(node)))) === 1;
  }

  /**
   * Whoever started this process and that one saw that process end: nobody has to wait until its silence tells.
   * @throws {RedisAway} then its silence will tell
   */
  async ended(node: string, pid: number): Promise<void> {
    const { store, onGone } = this.#options;
    const sign = this.#seen.get(node);
    if (sign?.facts.pid !== pid) return;
    const was = await store.link.script(END_NODE, [store.keys.node(node)], [sign.text]);
    if (was !== 1 || this.#seen.get(node) !== sign) return;
    this.#ended.set(node, sign.text);
    this.#seen.delete(node);
    if (!this.#closed) onGone(node, sign.facts);
  }

  /** Says that this node goes. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const { link, keys, node } = this.#options.store;
    await Promise.allSettled([
      link.run((client) => client.del(keys.node(node))),
      link.run((client) => client.srem(keys.nodes(), node)),
    ]);
  }

  #beat(): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const now = clock.monotonic();
    if (this.#isLate(now)) this.#stalledAt = now;
    this.#due = now + BEAT;
    this.#timer = clock.setTimeout(() => this.#beat(), BEAT);
    // While Redis is away nothing is known of others, and nobody is taken for gone.
    this.#round().catch(() => undefined);
  }

  #isLate(now: number): boolean {
    return this.#due !== undefined && now - this.#due > STALL;
  }

  async #round(): Promise<void> {
    const { store, facts: own, onGone } = this.#options;
    const { link, keys, node } = store;
    await Promise.all([
      link.run((client) => client.set(keys.node(node), JSON.stringify(own), 'PX', GONE_AFTER)),
      link.run((client) => client.sadd(keys.nodes(), node)),
    ]);
    const names = (await link.run((client) => client.smembers(keys.nodes()))).filter((name) => name !== node);
    const texts = await Promise.all(names.map((name) => link.run((client) => client.get(keys.node(name)))));
    names.forEach((name, index) => {
      const before = this.#seen.get(name);
      const text = texts[index];
      const read = typeof text === 'string' ? facts.safeParse(JSON.parse(text)) : undefined;
      if (typeof text === 'string' && read?.success) {
        // It may have been read before it was taken away.
        if (text !== this.#ended.get(name)) this.#note(name, { text, facts: read.data });
      } else if (before !== undefined && text === null) {
        this.#seen.delete(name);
        if (!this.#closed) onGone(name, before.facts);
      }
    });
    for (const name of this.#seen.keys()) if (!names.includes(name)) this.#seen.delete(name);
  }

  #note(name: string, sign: Sign): void {
    if (this.#seen.get(name)?.text !== sign.text) this.#seen.set(name, sign);
  }
}
