import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  RandomIdGenerator,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { CallTraces } from './call-traces.js';
import type { Tracing, TracingOptions } from './open.js';

/** Spans that wait to be sent; further ones are lost. */
const MAX_WAITING = 10_000;
const BATCH = 512;
/** Milliseconds for one request to the receiver, repetitions included. */
const PATIENCE = 10_000;
/** How long the last spans may take when the process ends. */
const LAST_PATIENCE = 2_000;

/** Traces calls to an OTLP receiver. Whatever becomes of that, calls go on: what can't be sent is lost, and told once in the log. */
export function startTracing({ config, node, version, log }: TracingOptions): Tracing {
  const { url = '', headerSecret, serviceName, sample, interval } = config;
  const ids = new RandomIdGenerator();
  let traceId: string | undefined;
  let failing = false;
  const outcome = (why: string | undefined): void => {
    if (why !== undefined && !failing) log.warn('traces not taken', { to: new URL(url).host, why });
    if (why === undefined && failing) log.info('traces are taken again', { to: new URL(url).host });
    failing = why !== undefined;
  };
  const exporter = told(
    new OTLPTraceExporter({
      url,
      timeoutMillis: PATIENCE,
      concurrencyLimit: 2,
      ...(headerSecret === undefined ? {} : { headers: headerOf(headerSecret) }),
    }),
    outcome,
  );
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': version,
      'service.instance.id': node,
    }),
    sampler: new TraceIdRatioBasedSampler(sample),
    idGenerator: {
      generateTraceId: () => traceId ?? ids.generateTraceId(),
      generateSpanId: () => ids.generateSpanId(),
    },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MAX_WAITING,
        maxExportBatchSize: BATCH,
        scheduledDelayMillis: interval,
        exportTimeoutMillis: PATIENCE + 1000,
      }),
    ],
  });
  const traces = new CallTraces(provider.getTracer('callwake', version), (id) => {
    traceId = id;
  });
  return {
    record: (event, before, call) => traces.record(event, before, call),
    async close() {
      const patience = new Promise<void>((resolve) => setTimeout(resolve, LAST_PATIENCE).unref());
      await Promise.race([provider.shutdown().catch((error: unknown) => outcome(String(error))), patience]);
    },
  };
}

/** The exporter, with somebody told how each batch fared. */
function told(exporter: OTLPTraceExporter, outcome: (why: string | undefined) => void): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        outcome(result.code === 0 ? undefined : (result.error?.message ?? 'no reason given'));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}

function headerOf(line: string): Record<string, string> {
  const colon = line.indexOf(':');
  return { [line.slice(0, colon)]: line.slice(colon + 1).trim() };
}
