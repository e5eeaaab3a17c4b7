import { lookup, Resolver } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** A named set of addresses: a trunk's peers or an edge. */
export interface PeerGroup {
  readonly name: string;
  /** IP addresses, ranges (`192.0.2.0/24`) or host names. */
  readonly addresses: readonly string[];
}

/** Says which configured group a source address belongs to. */
export class Peers {
  readonly #lists = new Map<string, BlockList>();
  readonly #names: { group: string; host: string }[] = [];

  constructor(groups: readonly PeerGroup[]) {
    for (const { name, addresses } of groups) {
      const list = this.#lists.get(name) ?? new BlockList();
      this.#lists.set(name, list);
      for (const address of addresses) this.#add(name, list, address);
    }
  }

  /**
   * Resolves host names among the peers, at these name servers or (if there are none) as the system does. An unknown name is left out and returned, with
   * the resolver's error code.
   */
  async resolve(
    nameServers: readonly string[] = [],
  ): Promise<readonly { readonly host: string; readonly error: string }[]> {
    const failed: { host: string; error: string }[] = [];
    for (const { group, host } of this.#names) {
      try {
        for (const address of await addressesOf(host, nameServers))
          this.#lists.get(group)?.addAddress(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
      } catch (error) {
        failed.push({ host, error: error instanceof Error && 'code' in error ? String(error.code) : String(error) });
      }
    }
    return failed;
  }

  /** The first group that has this source address. */
  groupOf(address: string): string | undefined {
    const bare = address.replace(/^\[|\]$/g, '');
    const family = isIP(bare);
    if (family === 0) return undefined;
    for (const [name, list] of this.#lists) if (list.check(bare, family === 6 ? 'ipv6' : 'ipv4')) return name;
    return undefined;
  }

  #add(group: string, list: BlockList, address: string): void {
    const [host = '', bits] = address.replace(/^\[|\]/g, '').split('/');
    const family = isIP(host);
    if (family === 0) {
      this.#names.push({ group, host });
      return;
    }
    const type = family === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(host, type);
    else list.addSubnet(host, Number(bits), type);
  }
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
