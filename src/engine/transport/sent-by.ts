import { networkInterfaces } from 'node:os';
import type { Clock } from '../../clock/clock.js';
import { ipVersion } from '../../grammar/uri.js';
import { defaultPort, uriHost } from './stamp.js';
import type { Listener, SentBy, Target } from './types.js';

const KEEP = 30_000;

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host === 'localhost';
}

/** Chooses what Via and Contact show. */
export class SentByChooser {
  private addresses: { v4: string; v6: string; at: number } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly listeners: readonly Listener[],
  ) {}

  choose(target: Target): SentBy {
    const { protocol } = target;
    const listener = this.listenerFor(target);
    if (!listener) {
      return { protocol, host: uriHost(this.interfaceAddress(target.host)), port: defaultPort(protocol) };
    }
    const { advertise, local } = listener;
    const address = isWildcard(local.address) ? this.interfaceAddress(target.host) : local.address;
    return { protocol, host: uriHost(advertise?.host ?? address), port: advertise?.port ?? local.port };
  }

  /** The listener of the protocol: the one asked for, else the first of the address family, else the first. */
  listenerFor(target: Target): Listener | undefined {
    const wanted = target.flow?.protocol === 'udp' ? target.flow.local : target.local;
    if (wanted) {
      for (const listener of this.listeners) {
        const { local } = listener;
        const is = local === wanted || (local.port === wanted.port && local.address === wanted.address);
        if (is && listener.protocol === target.protocol) return listener;
      }
    }
    const version = ipVersion(target.flow?.remote.address ?? target.host);
    let best: Listener | undefined;
    for (const listener of this.listeners) {
      if (listener.protocol !== target.protocol) continue;
      const fits = version === 0 || ipVersion(listener.local.address) === version;
      if (fits && !best) best = listener;
    }
    return best;
  }

  private interfaceAddress(host: string): string {
    const v6 = ipVersion(host) === 6;
    if (isLoopback(host)) return v6 ? '::1' : '127.0.0.1';
    const now = this.clock.monotonic();
    if (!this.addresses || now - this.addresses.at > KEEP) this.addresses = { ...readInterfaces(), at: now };
    return v6 ? this.addresses.v6 : this.addresses.v4;
  }
}

function readInterfaces(): { v4: string; v6: string } {
  let v4: string | undefined;
  let v6: string | undefined;
  for (const entries of Object.values(networkInterfaces())) {
    for (const entry of entries ?? []) {
      if (entry.internal) continue;
      if (entry.family === 'IPv4') v4 ??= entry.address;
      else if (!entry.address.startsWith('fe80')) v6 ??= entry.address;
    }
  }
  return { v4: v4 ?? '127.0.0.1', v6: v6 ?? '::1' };
}
