import type { ShownCertificate } from './transport/index.js';

/** What the engine has under way and how it does, for who measures it. */
export interface EngineFigures {
  /** Transactions (RFC 3261 section 17), those that only wait for retransmissions included. */
  readonly clientTransactions: number;
  readonly serverTransactions: number;
  readonly dialogs: number;
  /** INVITEs that are proxied and not answered. */
  readonly proxied: number;
  /** Requests that wait for the application's answer. */
  readonly pending: number;
  /** TCP, TLS and WebSocket connections. */
  readonly connections: number;
  /** What servers have shown to TLS connections that the engine opened. */
  readonly serverCertificates: readonly ShownCertificate[];
  /** Share of new work that is taken, from 0 to 1; the rest gets 503. */
  readonly passing: number;
  /** Requests that got 503 from the engine since its start, by cause. */
  readonly refused: Readonly<Record<string, number>>;
  /** Milliseconds by which the event loop was late when last looked at. */
  readonly lag: number;
  /** Seconds of processor time since the start. */
  readonly cpuSeconds: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
}
