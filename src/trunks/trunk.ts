import type { Clock } from '../clock/clock.js';
import { inOrder } from './order.js';
import { Peer } from './peer.js';
import type { PeerChange, PeerOptions, PeerStatus, Ping, PingSettings } from './types.js';

export interface TrunkOptions {
  readonly name: string;
  readonly peers: readonly PeerOptions[];
  readonly settings: PingSettings;
  readonly clock: Clock;
  readonly ping: Ping;
  /** Told when a peer comes into service or goes out of it. */
  readonly onChange: (change: PeerChange) => void;
  /** From 0 (inclusive) to 1 (exclusive); for the draw among peers of one priority. */
  readonly random?: () => number;
}

/** A named group of peers: one CUCM cluster as calls to it see it. */
export class Trunk {
  readonly name: string;
  readonly #peers: readonly Peer[];
  readonly #random: () => number;

  constructor({ name, peers, settings, clock, ping, onChange, random = Math.random }: TrunkOptions) {
    this.name = name;
    this.#random = random;
    this.#peers = peers.map((peer) => {
      const context = {
        clock,
        ping,
        settings,
        onChange: (status: PeerStatus, before: PeerChange['before']) => onChange({ trunk: name, before, ...status }),
      };
      return new Peer(peer, context);
    });
  }

  get status(): readonly PeerStatus[] {
    return this.#peers.map(({ status }) => status);
  }

  /** Begins to ping; a second call does nothing. */
  start(): void {
    for (const peer of this.#peers) peer.start();
  }

  /** The peers that a call is offered to, one after the other: those that aren't out of service, by priority and weight. */
  route(random = this.#random): readonly Peer[] {
    const usable = this.#peers.filter((peer) => peer.usable).map((peer) => ({ peer, ...peer.options }));
    return inOrder(usable, random).map(({ peer }) => peer);
  }

  close(): void {
    for (const peer of this.#peers) peer.close();
  }
}
