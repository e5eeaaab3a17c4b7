import { lookup, resolveNaptr, resolveSrv, Resolver as ServersResolver } from 'node:dns/promises';
import type { Resolver } from './resolver.js';

async function orNothing<T>(records: Promise<T[]>): Promise<T[]> {
  try {
    return await records;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
    throw error;
  }
}

/** The machine's own resolver; host names also come from its hosts file. */
export const systemResolver: Resolver = {
  naptr: (domain) => orNothing(resolveNaptr(domain)),
  srv: (name) => orNothing(resolveSrv(name)),
  addresses: async (host) => (await orNothing(lookup(host, { all: true }))).map((found) => found.address),
};

/** Milliseconds that a name server has for an answer, the first time; it is asked twice. */
const PATIENCE = 1500;

/**
 * Asks these name servers and nothing else, each `192.0.2.53`, `192.0.2.53:5353` or `[2001:db8::53]:5353`. IPv4 addresses come before IPv6 ones.
 * Throws what Node throws for a text that is no address.
 */
export function resolverOf(servers: readonly string[]): Resolver {
  const dns = new ServersResolver({ timeout: PATIENCE, tries: 2 });
  dns.setServers(servers);
  return {
    naptr: (domain) => orNothing(dns.resolveNaptr(domain)),
    srv: (name) => orNothing(dns.resolveSrv(name)),
    addresses: async (host) => {
      const found = await Promise.all([orNothing(dns.resolve4(host)), orNothing(dns.resolve6(host))]);
      return found.flat();
    },
  };
}
