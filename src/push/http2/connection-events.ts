/** What comes of a connection. */
export interface ConnectionEvents {
  /** The other side's SETTINGS came, the first or a change: so many requests may be under way. */
  onSettings(maxConcurrentStreams: number): void;
  /** No new requests; those above `lastStream` end as `refused` right after. `debug` is valid only until this returns. */
  onGoaway(code: number, lastStream: number, debug: Buffer): void;
  /** Answers the last `ping`. */
  onPong(): void;
  /**
   * It has ended, in what way words say; not called for `destroy`. Requests under way end right after, or when
   * `destroy` is called in it.
   */
  onClose(why: string): void;
}
