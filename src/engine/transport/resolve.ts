import { ipVersion, type SipUri } from '../../grammar/uri.js';
import type { NaptrRecord, Resolver, SrvRecord } from './resolver.js';
import { defaultPort, plainHost } from './stamp.js';
import type { Protocol, Target } from './types.js';

/** NAPTR services of RFC 3263 section 4.1 and RFC 7118 section 9.2. */
const SERVICES: Readonly<Record<string, Protocol>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
  'SIP+D2W': 'ws',
  'SIPS+D2W': 'wss',
};

const SRV_PREFIX: Readonly<Record<Protocol, string>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
  ws: '_sip._ws.',
  wss: '_sips._ws.',
};

/** What DNS may make us try for one URI. */
const MAX_TARGETS = 16;

/** The protocol that a URI names or implies without DNS (RFC 3263 section 4.1): its transport parameter, TLS for sips, else UDP. */
export function protocolOf(uri: SipUri): Protocol {
  return namedProtocol(uri) ?? (uri.scheme === 'sips' ? 'tls' : 'udp');
}

function namedProtocol(uri: SipUri): Protocol | undefined {
  const secure = uri.scheme === 'sips';
  switch (uri.params.get('transport')?.toLowerCase()) {
    case 'udp':
      return secure ? 'tls' : 'udp';
    case 'tcp':
      return secure ? 'tls' : 'tcp';
    case 'tls':
      return 'tls';
    case 'ws':
      return secure ? 'wss' : 'ws';
    case 'wss':
      return 'wss';
    default:
      return undefined;
  }
}

/** The target of a URI whose host is an IP address, else undefined. An maddr parameter takes the host's place. */
export function addressTarget(uri: SipUri): Target | undefined {
  const host = plainHost(uri.params.get('maddr') ?? uri.host);
  if (ipVersion(host) === 0) return undefined;
  const protocol = protocolOf(uri);
  return { protocol, host, port: uri.port ?? defaultPort(protocol) };
}

/**
 * RFC 3263 section 4: where a request to `uri` goes, best first: NAPTR, then SRV, then A and AAAA. The name that a certificate must
 * show is the URI's, whatever DNS says (RFC 5922 section 7.1).
 * Rejects when nothing is found or the name server fails.
 *
 * @param random gives numbers from 0 to 1, for SRV weights
 */
export async function resolveUri(
  uri: SipUri,
  resolver: Resolver,
  random: () => number = Math.random,
): Promise<Target[]> {
  const direct = addressTarget(uri);
  if (direct) return [direct];
  const host = uri.params.get('maddr') ?? uri.host;
  if (!host) throw new Error(`A ${uri.scheme} URI has no host to go to`);
  const named = namedProtocol(uri);
  let targets: Target[] = [];
  if (uri.port === undefined) {
    targets = named
      ? await bySrv(`${SRV_PREFIX[named]}${host}`, named, host, resolver, random)
      : await byNaptr(uri, host, resolver, random);
  }
  if (targets.length === 0) {
    const protocol = protocolOf(uri);
    targets = await byAddress(host, uri.port ?? defaultPort(protocol), protocol, host, resolver);
  }
  if (targets.length === 0) throw new Error(`No address for ${host}`);
  return targets.slice(0, MAX_TARGETS);
}

async function byNaptr(uri: SipUri, host: string, resolver: Resolver, random: () => number): Promise<Target[]> {
  const secure = uri.scheme === 'sips';
  const usable = (record: NaptrRecord) => {
    const service = record.service.toUpperCase();
    return record.flags.toLowerCase() === 's' && service in SERVICES && (!secure || service.startsWith('SIPS'));
  };
  const records = (await resolver.naptr(host)).filter(usable);
  records.sort((a, b) => a.order - b.order || a.preference - b.preference);
  const targets: Target[] = [];
  for (const record of records) {
    const protocol = SERVICES[record.service.toUpperCase()];
    if (protocol && targets.length < MAX_TARGETS)
      targets.push(...(await bySrv(record.replacement, protocol, host, resolver, random)));
  }
  if (targets.length > 0) return targets;
  const protocols: readonly Protocol[] = secure ? ['tls'] : ['udp', 'tcp', 'tls'];
  for (const protocol of protocols)
    targets.push(...(await bySrv(`${SRV_PREFIX[protocol]}${host}`, protocol, host, resolver, random)));
  return targets;
}

async function bySrv(
  name: string,
  protocol: Protocol,
  serverName: string,
  resolver: Resolver,
  random: () => number,
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const record of orderSrv(await resolver.srv(name), random)) {
    if (targets.length >= MAX_TARGETS) break;
    if (record.name !== '' && record.name !== '.') {
      targets.push(...(await byAddress(record.name, record.port, protocol, serverName, resolver)));
    }
  }
  return targets;
}

async function byAddress(
  host: string,
  port: number,
  protocol: Protocol,
  serverName: string,
  resolver: Resolver,
): Promise<Target[]> {
  const addresses = await resolver.addresses(host);
  return addresses.map((address) => ({ protocol, host: address, port, serverName }));
}

/** RFC 2782: by priority, among equals by chance according to weight. */
export function orderSrv(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const priority = left[0]?.priority;
    const equals = left.filter((record) => record.priority === priority);
    let dart = random() * equals.reduce((sum, record) => sum + record.weight, 0);
    const chosen = equals.find((record) => {
      dart -= record.weight;
      return dart < 0;
    });
    const [record] = left.splice(chosen ? left.indexOf(chosen) : 0, 1);
    if (record) ordered.push(record);
  }
  return ordered;
}
