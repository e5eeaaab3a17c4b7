import type { Config } from './config/schema.js';
import type { Logger } from './log/logger.js';
import { Peers } from './sip/peers.js';

/** Who the configured trunk peers and edges are, by address. Names among them are looked up meanwhile; unknown ones are in the log. */
export function openPeers(
  config: Pick<Config, 'trunks' | 'edges' | 'engine'>,
  log: Logger,
): { trunkPeers: Peers; edges: Peers } {
  const trunkPeers = new Peers(
    config.trunks.map(({ name, peers }) => ({ name, addresses: peers.map(({ host }) => host) })),
  );
  const edges = new Peers(config.edges);
  for (const peers of [trunkPeers, edges]) void resolve(peers, config.engine.nameServers, log);
  return { trunkPeers, edges };
}

async function resolve(peers: Peers, nameServers: readonly string[], log: Logger): Promise<void> {
  for (const { host, error } of await peers.resolve(nameServers)) log.warn('peer name not resolved', { host, error });
}
