import type { Calls } from './calls/calls.js';
import type { Journal } from './calls/journal.js';
import type { Clock } from './clock/clock.js';
import { Site } from './cluster/site.js';
import type { DeviceRegistry } from './devices/registry.js';
import type { Logger } from './log/logger.js';
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
  readonly later: () => { readonly calls: Calls; readonly journal: Journal; readonly takeover: Takeover };
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
    takeOver: (left) => {
      const { journal, takeover } = later();
      takeover.adopt(journal.inherit(left));
    },
    onFault,
    onEvent: (event, fields) => log.info(event, fields),
  });
}

/** What operators are told while Redis is away; undefined when it isn't. */
export function awayWords({ link, waiting }: RedisStore): string | undefined {
  return link.state === 'up' ? undefined : `Redis is away (${link.why}); ${waiting} registrations wait for it`;
}
