import type { Clock } from '../../clock/clock.js';
import type { ServerCertificate } from '../../grammar/server-certificate.js';
import type { Logger } from '../../log/logger.js';
import type { PushEnvironment } from '../provider.js';
import type { PushAlarm } from './alarms.js';
import type { BackOffBounds, Random } from './back-off.js';
import type { ApnsEndpoint } from './connect.js';
import type { ApnsAccount } from './key.js';
import type { OpeningRate } from './pool.js';
import type { ProxyOptions } from './proxy.js';
import type { SessionTiming } from './session.js';
import type { SharedTokens } from './token.js';

/** Where log lines go. Nothing secret is ever in them. */
export type PushLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface ApnsProviderOptions {
  readonly clock: Clock;
  readonly accounts: readonly ApnsAccount[];
  /** Default: Apple's, port 443. */
  readonly endpoints?: Partial<Readonly<Record<PushEnvironment, ApnsEndpoint>>>;
  /** PEM certificates to trust instead of the system's: for tests and TLS-intercepting firewalls. */
  readonly ca?: string;
  /** The way out, where there is no other. */
  readonly proxy?: ProxyOptions;
  /** Connections per account and environment. Default: 2. */
  readonly connections?: number;
  /** Where provider tokens are shared with the site's other processes. Default: not at all. */
  readonly sharedTokens?: SharedTokens;
  /** Pushes that may be under way or waiting at once. Default: 10,000. */
  readonly queueLimit?: number;
  readonly log?: PushLog;
  readonly onAlarm?: (alarm: PushAlarm) => void;
  /** Told of the certificate that Apple shows to each connection. */
  readonly onCertificate?: (certificate: ServerCertificate) => void;
  readonly timing?: Partial<ApnsTiming>;
  /** For jitter. Default: `Math.random`. */
  readonly random?: Random;
}

/** Every time the provider keeps, in milliseconds. */
export interface ApnsTiming extends SessionTiming {
  /** Delays before a VoIP push is tried again after a temporary refusal; after the last it ends. */
  readonly voipRetriesMs: readonly number[];
  /** The same for pushes that may wait; the last delay repeats until the deadline. */
  readonly otherRetriesMs: readonly number[];
  /** Between attempts to connect. */
  readonly reconnect: BackOffBounds;
  /** Connections opened per account and environment. */
  readonly openings: OpeningRate;
  /** How long a host that only answers errors is left alone. */
  readonly breaker: BackOffBounds;
  /** How long an account or a topic that Apple refused is left alone. */
  readonly hold: BackOffBounds;
  /** How long `close` waits for pushes under way. */
  readonly closeMs: number;
}

/** Host breakers open after so many errors in a row. */
export const BREAKER_THRESHOLD = 5;
/** A connection carries at most so many pushes at once. */
export const MAX_STREAMS = 500;

export const defaultEndpoints: Readonly<Record<PushEnvironment, ApnsEndpoint>> = {
  production: { host: 'api.push.apple.com', port: 443 },
  sandbox: { host: 'api.sandbox.push.apple.com', port: 443 },
};

export const defaultTiming: ApnsTiming = {
  connectMs: 5_000,
  pingAfterMs: 60_000,
  pongMs: 2_000,
  drainMs: 10_000,
  answerMs: 3_000,
  voipRetriesMs: [300, 1_000, 3_000],
  otherRetriesMs: [1_000, 5_000, 30_000, 120_000, 900_000],
  reconnect: { minMs: 1_000, maxMs: 60_000 },
  openings: { count: 6, withinMs: 6_000 },
  breaker: { minMs: 1_000, maxMs: 60_000 },
  hold: { minMs: 10_000, maxMs: 300_000 },
  closeMs: 5_000,
};
