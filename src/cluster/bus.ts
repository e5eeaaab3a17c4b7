import { z } from 'zod';
import type { Device } from '../devices/types.js';
import type { RedisClient } from '../store/redis/connect.js';
import type { Keys } from '../store/redis/keys.js';
import type { RedisLink } from '../store/redis/link.js';

/** Its name; those of before don't say it. */
const sender = z.string().optional();

/** As the sender has stored it: no more is checked than of what is read from Redis. */
const device = z.custom<Device>((value) => {
  const { id, aor, bindings } = (value ?? {}) as Partial<Device>;
  return typeof id === 'string' && typeof aor === 'string' && Array.isArray(bindings);
});

const message = z.discriminatedUnion('type', [
  /** Devices of an AOR have registered at the sender, and have their answer. */
  z.object({
    type: z.literal('registered'),
    aor: z.string(),
    /** Their ids. */
    devices: z.array(z.string()),
    from: sender,
    /** The same as they are now; those of before don't say it. */
    now: z.array(device).optional().catch(undefined),
  }),
  /** The sender has the call's INVITE as well, and would ring for it. */
  z.object({ type: z.literal('wanted'), aor: z.string(), callUuid: z.string(), from: sender }),
]);

/** What one node tells another. */
export type BusMessage = z.infer<typeof message>;

export interface BusOptions {
  readonly link: RedisLink;
  readonly keys: Keys;
  readonly node: string;
  readonly onMessage: (message: BusMessage) => void;
  /** Messages may have been missed: what they would have told has to be read. */
  readonly onGap: () => void;
}

/** Messages between nodes: over Redis, each to one node, at most once. */
export class Bus {
  readonly #options: BusOptions;
  readonly #listener: RedisClient;

  constructor(options: BusOptions) {
    this.#options = options;
    const { link, keys, node } = options;
    this.#listener = link.another();
    this.#listener.on('error', () => undefined);
    this.#listener.on('ready', () => {
      this.#listener.subscribe(keys.channel(node)).then(options.onGap, () => undefined);
    });
    this.#listener.on('message', (_channel: string, text: string) => {
      const read = message.safeParse(parsed(text));
      // One of a newer version that this one doesn't know is none for it.
      if (read.success) options.onMessage(read.data);
    });
  }

  /** Tells a node. One that is away reads what it needs when it is back. */
  tell(node: string, told: BusMessage): void {
    const { link, keys } = this.#options;
    link.run((client) => client.publish(keys.channel(node), JSON.stringify(told))).catch(() => undefined);
  }

  close(): void {
    this.#listener.disconnect();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
