import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { TimelineEvent } from '../../calls/timeline.js';
import type { CallSummary } from '../timeline/summary.js';
import { traceIdOf } from './trace-id.js';

/** Calls that are traced at once; further ones are not. */
const MAX_CALLS = 50_000;
/** Spans of one call. */
const MAX_SPANS = 100;

interface Traced {
  readonly root: Span;
  readonly context: Context;
  /** Spans that have not ended, by what they are and for whom: `push <device>`. */
  readonly open: Map<string, Span>;
  /** Epoch milliseconds of the INVITE. */
  readonly startedAt: number;
  spans: number;
}

type Fields = TimelineEvent['fields'];

/**
 * Makes a trace of each call from its timeline: a span for the call, within it one for the hold, and for each device one for waking it
 * (with the push inside) and one for its leg. No number, address or token is among the attributes.
 */
export class CallTraces {
  readonly #tracer: Tracer;
  readonly #useTraceId: (id: string | undefined) => void;
  readonly #calls = new Map<string, Traced>();

  /** @param useTraceId has the next root span get that trace id */
  constructor(tracer: Tracer, useTraceId: (id: string | undefined) => void) {
    this.#tracer = tracer;
    this.#useTraceId = useTraceId;
  }

  /** Takes an event, with its call before and after it. */
  record(event: TimelineEvent, before: CallSummary | undefined, call: CallSummary): void {
    const { callUuid, type, ms, fields } = event;
    const traced = this.#calls.get(callUuid) ?? this.#begin(call, type);
    if (traced === undefined) return;
    const at = traced.startedAt + ms;
    if (before?.state === 'held' && call.state !== 'held') {
      this.#end(traced, 'hold', at, { 'callwake.hold.ended_by': call.reason ?? call.state });
    }
    this.#step(traced, type, at, fields);
    if (type === 'end') this.#over(traced, callUuid, at, call);
  }

  #begin(call: CallSummary, type: string): Traced | undefined {
    if (call.state === 'over' || this.#calls.size >= MAX_CALLS) return undefined;
    const { callUuid, callId, sessionId, direction, trunk, startedAt } = call;
    this.#useTraceId(traceIdOf(callUuid));
    const root = this.#tracer.startSpan(
      'call',
      {
        kind: SpanKind.SERVER,
        startTime: startedAt,
        attributes: {
          'callwake.call.uuid': callUuid,
          'callwake.call.direction': direction,
          ...(trunk === undefined ? {} : { 'callwake.trunk': trunk }),
          ...(callId === undefined ? {} : { 'sip.call_id': callId }),
          ...(sessionId === undefined ? {} : { 'sip.session_id': sessionId }),
          ...(type === 'taken-over' ? { 'callwake.call.taken_over': true } : {}),
        },
      },
      ROOT_CONTEXT,
    );
    this.#useTraceId(undefined);
    const context = trace.setSpan(ROOT_CONTEXT, root);
    const traced: Traced = { root, context, open: new Map(), startedAt, spans: 0 };
    this.#calls.set(callUuid, traced);
    if (direction === 'to-phone') this.#start(traced, 'hold', 'hold', startedAt);
    return traced;
  }

  #step(traced: Traced, type: string, at: number, fields: Fields): void {
    const device = typeof fields.device === 'string' ? fields.device : '';
    const [kind = '', what = ''] = type.split('-', 2);
    switch (type) {
      case 'push-asked':
        if (!traced.open.has(`wake ${device}`)) this.#start(traced, `wake ${device}`, 'wake', at, { device });
        this.#start(traced, `push ${device}`, 'push', at, { device }, `wake ${device}`);
        return;
      case 'push-accepted':
      case 'push-refused':
      case 'push-unreachable':
      case 'push-withdrawn':
        this.#end(
          traced,
          `push ${device}`,
          at,
          pushAttributes(what, fields),
          what !== 'accepted' && what !== 'withdrawn',
        );
        if (what === 'refused' || what === 'unreachable') this.#end(traced, `wake ${device}`, at, {}, true);
        return;
      case 'device-woke':
        this.#end(traced, `wake ${device}`, at, { 'callwake.edge.mode': String(fields.mode ?? '') });
        return;
      case 'leg-invited':
        this.#end(traced, `leg ${device}`, at, {}, true);
        this.#start(traced, `leg ${device}`, 'leg', at, { device, mode: fields.mode });
        return;
      case 'trunk-invited':
      case 'fallback-trying':
        this.#end(traced, `${kind} leg`, at, {}, true);
        this.#start(traced, `${kind} leg`, 'leg', at, { peer: fields.peer });
        return;
      default:
    }
    const leg = kind === 'leg' ? `leg ${device}` : `${kind} leg`;
    if (what === 'provisional')
      traced.open.get(leg)?.addEvent('provisional', { 'sip.status_code': Number(fields.status) }, at);
    if (what === 'answered') this.#end(traced, leg, at, statusOf(fields));
    if (what === 'failed') this.#end(traced, leg, at, statusOf(fields), true);
    if (type === 'leg-cancelled') this.#end(traced, leg, at, { 'callwake.leg.cancelled': true });
    if (NOTED.has(type)) traced.root.addEvent(type, {}, at);
  }

  #over(traced: Traced, callUuid: string, at: number, { reason = 'over', status }: CallSummary): void {
    for (const [name, span] of traced.open) {
      if (name.startsWith('wake')) span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
      span.end(at);
    }
    traced.root.setAttribute('callwake.call.reason', reason);
    if (status !== undefined) traced.root.setAttribute('sip.status_code', status);
    if (!GOOD_ENDS.has(reason)) traced.root.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    traced.root.end(at);
    this.#calls.delete(callUuid);
  }

  #start(traced: Traced, key: string, name: string, at: number, fields: Fields = {}, within?: string): void {
    if (traced.spans >= MAX_SPANS) return;
    traced.spans++;
    const parent = within === undefined ? undefined : traced.open.get(within);
    const attributes: Attributes = {};
    for (const [field, value] of Object.entries(fields))
      if (value !== undefined) attributes[`callwake.${field}`] = value;
    const kind = name === 'push' || name === 'leg' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const context = parent === undefined ? traced.context : trace.setSpan(traced.context, parent);
    traced.open.set(key, this.#tracer.startSpan(name, { kind, startTime: at, attributes }, context));
  }

  #end(traced: Traced, key: string, at: number, attributes: Attributes = {}, failed = false): void {
    const span = traced.open.get(key);
    if (span === undefined) return;
    traced.open.delete(key);
    span.setAttributes(attributes);
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(at);
  }
}

/** What shows as a moment of the call. */
const NOTED: ReadonlySet<string> = new Set([
  'ringback',
  'hold-over',
  'ring-over',
  'cancelled',
  'no-sign-of-life',
  'taken-over',
  'hung-up',
  'aborted',
]);
/** Ends that are nobody's fault, or the user's own wish. */
const GOOD_ENDS: ReadonlySet<string> = new Set(['answered', 'cancelled', 'rejected', 'no-answer', 'cleared']);

function statusOf({ status }: Fields): Attributes {
  return typeof status === 'number' ? { 'sip.status_code': status } : {};
}

function pushAttributes(outcome: string, { apnsId, status, reason, attempts }: Fields): Attributes {
  return {
    'callwake.push.outcome': outcome,
    ...(apnsId === undefined ? {} : { 'apns.id': apnsId }),
    ...(typeof status === 'number' && status > 0 ? { 'http.response.status_code': status } : {}),
    ...(reason === undefined ? {} : { 'callwake.push.reason': reason }),
    ...(attempts === undefined ? {} : { 'callwake.push.attempts': attempts }),
  };
}
