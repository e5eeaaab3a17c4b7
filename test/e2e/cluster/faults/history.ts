/**
 * What was seen on the wire during a run, by those around the site: phones, CUCM, Apple; and what was done to it. One kind of event is a
 * node's own word, and no more than an excuse. Times are epoch
 * milliseconds of one clock.
 */
export type HistoryEvent = { readonly at: number } & (
  | ({ readonly type: 'registered' } & Registration)
  /** What the site knows of a device when all is over; of one that it has forgotten there is none. */
  | ({ readonly type: 'kept' } & Registration)
  /** An INVITE reached a phone. `node`: whose it was. */
  | { readonly type: 'invited'; readonly device: string; readonly callUuid: string; readonly node: string }
  | { readonly type: 'rang'; readonly device: string; readonly callUuid: string }
  /** Apple took a push. */
  | { readonly type: 'pushed'; readonly device: string; readonly callUuid: string }
  /** A node's own word that it goes on with a call as the only one, as it could not ask Redis whether it is. */
  | { readonly type: 'unclaimed'; readonly callUuid: string; readonly node: string }
  /** Somebody calls. `calm`: with no fault before its end. */
  | { readonly type: 'called'; readonly aor: string; readonly callUuid: string; readonly calm: boolean }
  /** What the caller heard in the end, over whichever member of the trunk. */
  | { readonly type: 'final'; readonly callUuid: string; readonly status: number }
  | { readonly type: 'fault'; readonly fault: Fault; readonly node?: string }
);

/** A REGISTER that was answered with 200 (RFC 3261 section 10.3), by what orders it among those of its phone. */
export interface Registration {
  readonly aor: string;
  readonly device: string;
  readonly callId: string;
  readonly cseq: number;
}

/** What can be done to a site; those of a node name it. */
export type Fault = 'power-off' | 'app-killed' | 'cut-from-redis' | 'paused' | 'redis-killed' | 'redis-failed-over';
