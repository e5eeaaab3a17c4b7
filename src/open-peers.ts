import { asksForCertificate } from './config/certificate.js';
import type { Config } from './config/schema.js';
import type { Logger } from './log/logger.js';
import { type CertificateSeen, type PeerGroup, Peers } from './sip/peers.js';

/**
 * Who the configured trunk peers and edges are, by address and, over TLS, by certificate. Registrars that callwake hands REGISTERs on to send calls over the
 * Path: these are the first trunk's. Names among them are looked up meanwhile; unknown ones are in the log.
 */
export function openPeers(
  config: Pick<Config, 'trunks' | 'edges' | 'engine' | 'registrar'>,
  log: Logger,
  onCertificate: CertificateSeen,
): { trunkPeers: Peers; edges: Peers } {
  const { mode, upstream } = config.registrar;
  const [first] = config.trunks;
  const registrars = mode === 'upstream' && first !== undefined ? [{ name: first.name, peers: upstream.peers }] : [];
  const trunkPeers = new Peers(
    [...config.trunks, ...registrars].flatMap(({ name, peers }) =>
      peers.map((peer) => ({
        ...certificateOf(peer),
        name,
        addresses: [peer.host],
        tlsOnly: peer.transport === 'tls',
      })),
    ),
    onCertificate,
  );
  const edges = new Peers(
    config.edges.map((edge) => ({
      ...certificateOf(edge),
      name: edge.name,
      addresses: edge.addresses,
      tlsOnly: edge.transport === 'tls',
    })),
    onCertificate,
  );
  for (const peers of [trunkPeers, edges]) void resolve(peers, config.engine.nameServers, log);
  return { trunkPeers, edges };
}

function certificateOf(
  entry: Parameters<typeof asksForCertificate>[0],
): Pick<PeerGroup, 'certificate' | 'certificateNames'> {
  return { certificate: asksForCertificate(entry), certificateNames: entry.certificateNames };
}

async function resolve(peers: Peers, nameServers: readonly string[], log: Logger): Promise<void> {
  for (const { host, error } of await peers.resolve(nameServers)) log.warn('peer name not resolved', { host, error });
}
