import type { Clock } from '../clock/clock.js';
import type { TrunkConfig } from '../config/schema.js';
import type { Logger } from '../log/logger.js';
import { Trunk } from '../trunks/trunk.js';
import type { PeerStatus } from '../trunks/types.js';
import type { Drachtio } from './drachtio.js';
import { pingOver } from './trunk-ping.js';

/**
 * The configured trunks by name, pinged over the SIP engine once {@link Trunk.start} was called; changes of a peer's state
 * are logged, and `onPeers` is told the states of all.
 */
export function trunksOf(
  trunks: readonly TrunkConfig[],
  clock: Clock,
  drachtio: Drachtio,
  log: Logger,
  onPeers: (trunk: string, peers: readonly PeerStatus[]) => void = () => {},
): ReadonlyMap<string, Trunk> {
  const ping = pingOver(drachtio);
  return new Map(
    trunks.map(({ name, peers, ping: settings }) => {
      const trunk: Trunk = new Trunk({
        name,
        peers,
        settings,
        clock,
        ping,
        onChange: ({ state, ...change }) => {
          if (state === 'out-of-service') log.warn('trunk peer out of service', { ...change });
          else log.info('trunk peer in service', { ...change });
          onPeers(name, trunk.status);
        },
      });
      return [name, trunk] as const;
    }),
  );
}
