import type { Clock } from '../clock/clock.js';
import type { TrunkConfig } from '../config/schema.js';
import type { Logger } from '../log/logger.js';
import { Trunk } from '../trunks/trunk.js';
import type { Drachtio } from './drachtio.js';
import { pingOver } from './trunk-ping.js';

/** The configured trunks by name, pinged over the SIP engine once {@link Trunk.start} was called; changes of a peer's state are logged. */
export function trunksOf(
  trunks: readonly TrunkConfig[],
  clock: Clock,
  drachtio: Drachtio,
  log: Logger,
): ReadonlyMap<string, Trunk> {
  const ping = pingOver(drachtio);
  return new Map(
    trunks.map(({ name, peers, ping: settings }) => {
      const trunk = new Trunk({
        name,
        peers,
        settings,
        clock,
        ping,
        onChange: ({ state, ...change }) => {
          if (state === 'out-of-service') log.warn('trunk peer out of service', { ...change });
          else log.info('trunk peer in service', { ...change });
        },
      });
      return [name, trunk] as const;
    }),
  );
}
