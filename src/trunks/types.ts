/** One address of a trunk. */
export interface PeerOptions {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** Lower ones are tried first. */
  readonly priority: number;
  /** Among peers of one priority: how often it is the first, in proportion. */
  readonly weight: number;
}

/** `unknown`: never asked, or it may not be asked; it is called like one that is in service. */
export type PeerState = 'unknown' | 'in-service' | 'out-of-service';

/** What is known of a peer. */
export interface PeerStatus {
  /** `tcp/192.0.2.10:5060` */
  readonly peer: string;
  readonly state: PeerState;
  /** In words, such as "OPTIONS: 200" or "INVITE: no answer". */
  readonly reason: string;
  /** Epoch milliseconds of the last change of state. */
  readonly since: number;
}

/** A peer came into service or went out of it. */
export interface PeerChange extends PeerStatus {
  readonly trunk: string;
  readonly before: PeerState;
}

/** How a trunk's peers are pinged; Cisco's OPTIONS ping. Milliseconds. */
export interface PingSettings {
  /** Between two pings of a peer that is in service; 0: never ping. */
  readonly interval: number;
  /** Between two pings of a peer that is out of service, and how long a call's failure counts when peers aren't pinged. */
  readonly retry: number;
}

/**
 * One OPTIONS to a peer. Gives the status of its final response, 408 and 503 for their local stand-ins (no answer, no connection);
 * undefined when nothing could be learnt, as there was no SIP engine to send it. Never rejects.
 */
export type Ping = (peer: PeerOptions) => Promise<number | undefined>;
