import { lookup, Resolver } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { SrfRequest } from './drachtio.js';
import { peerCertificateIn } from './peer-certificate.js';

/** A trunk's peer, or an edge: whoever sends from these addresses and shows what is asked for. */
export interface PeerGroup {
  /** Of the trunk or edge; several may share it. */
  readonly name: string;
  /** IP addresses, ranges (`192.0.2.0/24`) or host names. */
  readonly addresses: readonly string[];
  /** Only what comes over TLS is theirs: elsewhere anybody can write their address into a packet. */
  readonly tlsOnly?: boolean;
  /** One of these SIP domains must be in the certificate (RFC 5922); empty: any certificate or none. */
  readonly certificateNames?: readonly string[];
  /** A certificate must be shown, whatever its names. */
  readonly certificate?: boolean;
}

/** Where a request comes from. */
export type Sender = Pick<SrfRequest, 'source_address' | 'protocol' | 'msg'>;

/** Told of the certificate that a request of a group came with. */
export type CertificateSeen = (group: string, domains: readonly string[], until: number) => void;

interface Group extends PeerGroup {
  readonly list: BlockList;
}

/** Addresses whose groups are kept in mind. */
const KEPT = 4096;

/** Says which configured group a request comes from. */
export class Peers {
  readonly #groups: readonly Group[];
  readonly #names: { list: BlockList; host: string }[] = [];
  readonly #onCertificate: CertificateSeen | undefined;
  /** Every request asks, mostly of the same few addresses, and a look into a list makes an object outside V8's heap, which the collector has to visit. */
  readonly #found = new LRUCache<string, readonly Group[]>({ max: KEPT });

  constructor(groups: readonly PeerGroup[], onCertificate?: CertificateSeen) {
    this.#onCertificate = onCertificate;
    this.#groups = groups.map((group) => ({ ...group, list: new BlockList() }));
    for (const { list, addresses } of this.#groups) for (const address of addresses) this.#add(list, address);
  }

  /**
   * Resolves host names among the peers, at these name servers or (if there are none) as the system does. An unknown name is left out and returned, with
   * the resolver's error code.
   */
  async resolve(
    nameServers: readonly string[] = [],
  ): Promise<readonly { readonly host: string; readonly error: string }[]> {
    const failed: { host: string; error: string }[] = [];
    for (const { list, host } of this.#names) {
      try {
        for (const address of await addressesOf(host, nameServers))
          list.addAddress(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
      } catch (error) {
        failed.push({ host, error: error instanceof Error && 'code' in error ? String(error.code) : String(error) });
      }
    }
    this.#found.clear();
    return failed;
  }

  /** The name of the first group that a request comes from. */
  groupOf(sender: Sender): string | undefined {
    const name = this.#at(sender).find((group) => lackOf(group, sender) === undefined)?.name;
    if (name !== undefined && this.#onCertificate !== undefined && /^(tls|wss)$/i.test(sender.protocol)) {
      const { domains, until } = peerCertificateIn(sender.msg.raw) ?? {};
      if (domains !== undefined && until !== undefined) this.#onCertificate(name, domains, until);
    }
    return name;
  }

  /** Why a request is not of a group that has its address; undefined when there is no such group. */
  lackOf(sender: Sender): string | undefined {
    const [group] = this.#at(sender);
    const lack = group && lackOf(group, sender);
    return lack && `${lack}, which ${group.name} must have`;
  }

  /** The groups that have its address. */
  #at({ source_address }: Sender): readonly Group[] {
    const known = this.#found.get(source_address);
    if (known !== undefined) return known;
    const found = this.#lookUp(source_address);
    this.#found.set(source_address, found);
    return found;
  }

  #lookUp(address: string): Group[] {
    const bare = address.replace(/^\[|\]$/g, '');
    const family = isIP(bare);
    if (family === 0) return [];
    return this.#groups.filter(({ list }) => list.check(bare, family === 6 ? 'ipv6' : 'ipv4'));
  }

  #add(list: BlockList, address: string): void {
    const [host = '', bits] = address.replace(/^\[|\]/g, '').split('/');
    const family = isIP(host);
    if (family === 0) {
      this.#names.push({ list, host });
      return;
    }
    const type = family === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(host, type);
    else list.addSubnet(host, Number(bits), type);
  }
}

/** What a request from a group's address lacks to be the group's. */
function lackOf(
  { tlsOnly, certificate, certificateNames = [] }: PeerGroup,
  { protocol, msg }: Sender,
): string | undefined {
  if (!tlsOnly && !certificate && certificateNames.length === 0) return undefined;
  if (!/^(tls|wss)$/i.test(protocol)) return 'no TLS';
  if (!certificate && certificateNames.length === 0) return undefined;
  const shown = peerCertificateIn(msg.raw);
  if (shown === undefined) return 'no good certificate';
  if (certificateNames.length === 0 || certificateNames.some((name) => shown.domains.includes(name))) return undefined;
  return `no certificate of ${certificateNames.join(' or ')} but of ${shown.domains.join(', ') || 'no SIP domain'}`;
}

async function addressesOf(host: string, nameServers: readonly string[]): Promise<string[]> {
  if (nameServers.length === 0) return (await lookup(host, { all: true })).map(({ address }) => address);
  const dns = new Resolver();
  dns.setServers(nameServers);
  const [v4, v6] = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)]);
  const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0 && v4.status === 'rejected') throw v4.reason;
  return found;
}
