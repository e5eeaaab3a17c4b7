import { lookup, resolveNaptr, resolveSrv } from 'node:dns/promises';
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
