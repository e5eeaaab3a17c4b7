import type { Config } from '../../config/schema.js';
import type { Logger } from '../../log/logger.js';
import type { CallListener } from '../watch.js';

/** What takes what happens to calls and makes traces of it. */
export interface Tracing {
  readonly record: CallListener;
  /** Sends what has ended, for some seconds at most. */
  close(): Promise<void>;
}

export interface TracingOptions {
  readonly config: Config['tracing'];
  readonly node: string;
  readonly version: string;
  readonly log: Logger;
}

/**
 * Starts tracing, if a receiver is configured; its library is loaded only then. Events are taken from the moment on when it is there:
 * calls of the first tenths of a second may have no trace.
 */
export function openTracing(options: TracingOptions): Tracing {
  const { config, log } = options;
  if (config.url === undefined) return { record() {}, close: async () => {} };
  let running: Tracing | undefined;
  const starting = import('./otlp.js').then(
    ({ startTracing }) => {
      running = startTracing(options);
    },
    (error: unknown) => log.error('tracing not started', { error }),
  );
  return {
    record: (event, before, call) => running?.record(event, before, call),
    async close() {
      await starting;
      await running?.close();
    },
  };
}
