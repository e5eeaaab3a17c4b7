import { randomBytes } from 'node:crypto';
import type { Calls } from './calls/calls.js';
import type { Journal } from './calls/journal.js';
import type { Clock } from './clock/clock.js';
import { Site } from './cluster/site.js';
import type { DeviceRegistry } from './devices/registry.js';
import type { Logger } from './log/logger.js';
import type { Messages } from './messages/messages.js';
import { listenerFor } from './sip/listeners.js';
import type { Takeover } from './sip/takeover.js';
import type { RedisStore } from './store/redis/redis-store.js';

/** What a node of a site is made from. */
export interface SiteParts {
  readonly store: RedisStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** The run of its SIP engine. */
  readonly engine: string;
  readonly version: string;
  readonly devices: DeviceRegistry;
  readonly onFault: (error: unknown) => void;
  /** Those that are made later. */
  readonly later: () => {
    readonly calls: Calls;
    readonly journal: Journal;
    readonly takeover: Takeover;
    readonly messages: Pick<Messages, 'nodeGone'>;
  };
}

/** Joins this process to the others that share its Redis. */
export function openSite({ store, clock, log, engine, version, devices, onFault, later }: SiteParts): Site {
  return new Site({
    store,
    clock,
    engine,
    version,
    devicesOf: (aor) => devices.devicesOf(aor),
    calls: () => later().calls,
    heir: {
      take(record) {
        const { journal, takeover } = later();
        for (const left of journal.inherit([record])) takeover.adopt(left);
      },
      done: () => later().takeover.adopted(),
    },
    onGone: () => later().messages.nodeGone(),
    onFault,
    onEvent: (event, fields) => log.info(event, fields),
  });
}

/** Lets the other apps of the engine have all new calls while this one drains. */
export function callsToOthers(
  site: Pick<Site, 'sharesEngine'>,
  engine: { takeCalls(takes: boolean): void },
): { drain(): Promise<void>; undrain(): void } {
  let given = false;
  return {
    async drain() {
      if (given || !site.sharesEngine) return;
      given = true;
      engine.takeCalls(false);
    },
    undrain() {
      if (given) engine.takeCalls(true);
      given = false;
    },
  };
}

/**
 * The key that nodes of a site name phones' connections with, the same for all.
 * @throws {StoreAway} when Redis goes away meanwhile
 */
export async function flowKey(store: RedisStore): Promise<Buffer> {
  await store.link.up();
  const { value, version } = await store.shared('flow-key');
  const made = randomBytes(32).toString('base64url');
  const { value: kept } = typeof value === 'string' ? { value } : await store.putShared('flow-key', made, version);
  return Buffer.from(typeof kept === 'string' ? kept : made, 'base64url');
}

/** Where other nodes reach an engine that listens at `hostports`; undefined when that doesn't tell. */
export function nodeAddress(hostports: string): string | undefined {
  for (const transport of ['tcp', 'udp']) {
    const at = listenerFor(hostports, transport);
    if (at !== undefined && !/^(0\.0\.0\.0|\[?::\]?):/.test(at)) return `sip:${at};transport=${transport}`;
  }
  return undefined;
}

/** Where the journal of calls is written to now, in a word. */
export function journalWord(kind: string, redis: RedisStore | undefined): string {
  return redis === undefined || redis.link.state === 'up' ? kind : 'this node until Redis is back';
}

/** What operators are told while Redis is away; undefined when it isn't. */
export function awayWords({ link, waiting }: RedisStore): string | undefined {
  return link.state === 'up' ? undefined : `Redis is away (${link.why}); ${waiting} registrations wait for it`;
}
