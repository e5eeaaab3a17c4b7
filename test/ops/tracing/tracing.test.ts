import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Stage } from '../../../src/demo/stage.js';
import { traceIdOf } from '../../../src/ops/tracing/trace-id.js';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly status?: { readonly code?: number };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

/** A small OTLP receiver (OTLP/HTTP, JSON): keeps the spans that it gets. */
async function receiver(t: ExecutionContext, status = 200) {
  const spans: Span[] = [];
  const texts: string[] = [];
  const seen = new EventTarget();
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      texts.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}\n${text}`);
      const { resourceSpans }: Export = JSON.parse(text);
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      seen.dispatchEvent(new Event('export'));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    spans,
    texts,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    /** Waits for a span of that name. */
    async span(name: string): Promise<Span> {
      for (;;) {
        const found = spans.find((span) => span.name === name);
        if (found !== undefined) return found;
        await new Promise((resolve) => seen.addEventListener('export', resolve, { once: true }));
      }
    },
  };
}

const QUICK = { wakeDelayMs: 100, answerDelayMs: 50 };

const attributeOf = (span: Span, key: string): unknown =>
  Object.values(span.attributes.find((attribute) => attribute.key === key)?.value ?? {})[0];

async function staged(t: ExecutionContext, tracing: object, trunk: Readonly<Record<string, unknown>> = {}) {
  const stage = await Stage.start({ edge: 'path', trunk, config: { tracing: { interval: '100ms', ...tracing } } });
  t.teardown(() => stage.close());
  return stage;
}

test('a call is one trace: its id is the call UUID, within it hold, wake with push, and leg; no number and no token', async (t) => {
  const otlp = await receiver(t);
  const stage = await staged(t, { url: otlp.url, headerSecret: 'X-Api-Key: hush', serviceName: 'callwake-test' });
  const phone = await stage.phone({ user: 'ludwig', behaviour: QUICK });
  await phone.background();
  const call = stage.cucm.call({ to: 'ludwig', from: 'mozart', displayName: 'Ada Lovelace' });
  await call.answered;
  await call.hangup();
  const root = await otlp.span('call');
  const { callUuid } = await stage.callwake.logged('end');
  t.is(root.traceId, traceIdOf(String(callUuid)));
  t.is(root.traceId, String(callUuid).replaceAll('-', '').toLowerCase());
  t.is(root.parentSpanId, undefined);
  t.is(attributeOf(root, 'callwake.call.reason'), 'answered');
  t.is(attributeOf(root, 'callwake.call.uuid'), callUuid);
  t.deepEqual(otlp.spans.map(({ name }) => name).sort(), ['call', 'hold', 'leg', 'push', 'wake']);
  const wake = await otlp.span('wake');
  for (const span of otlp.spans) {
    t.is(span.traceId, root.traceId);
    t.true(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name);
    t.true(BigInt(span.startTimeUnixNano) >= BigInt(root.startTimeUnixNano), span.name);
    if (span !== root) t.is(span.parentSpanId, span.name === 'push' ? wake.spanId : root.spanId, span.name);
  }
  t.true(BigInt(wake.endTimeUnixNano) - BigInt(wake.startTimeUnixNano) >= 100_000_000n);
  t.is(attributeOf(await otlp.span('push'), 'callwake.push.outcome'), 'accepted');
  t.truthy(attributeOf(await otlp.span('push'), 'apns.id'));
  t.is(attributeOf(await otlp.span('leg'), 'callwake.mode'), 'path');
  t.is(Number(attributeOf(await otlp.span('leg'), 'sip.status_code')), 200);
  const sent = otlp.texts.join('\n');
  t.regex(sent, /^POST \/v1\/traces .*"x-api-key":"hush"/);
  t.regex(sent, /callwake-test/);
  t.notRegex(sent, /ludwig|mozart|Lovelace/);
  t.false(sent.includes(String(phone.identity.voipToken)));
});

test('a call that woke nobody shows where it failed; one to the trunk has its leg there', async (t) => {
  const otlp = await receiver(t);
  const stage = await staged(t, { url: otlp.url }, { hold: '1s' });
  const phone = await stage.phone({ behaviour: { deaf: true } });
  await phone.background();
  t.is((await stage.cucm.call({ to: '2001' }).ended).status, 480);
  const root = await otlp.span('call');
  t.is(attributeOf(root, 'callwake.call.reason'), 'not-woken');
  t.is(Number(attributeOf(root, 'sip.status_code')), 480);
  t.is(root.status?.code, 2);
  t.is((await otlp.span('wake')).status?.code, 2);
  t.is(attributeOf(await otlp.span('hold'), 'callwake.hold.ended_by'), 'not-woken');
  const out = await phone.call('1001');
  await out.answered;
  await out.hangup();
  const leg = await otlp.span('leg');
  t.not(leg.traceId, root.traceId);
  t.truthy(attributeOf(leg, 'callwake.peer'));
});

test('a receiver that refuses, or is not there, costs no call and is told of once', async (t) => {
  const refusing = await receiver(t, 400);
  const stage = await staged(t, { url: refusing.url });
  const phone = await stage.phone({ behaviour: QUICK });
  for (let count = 0; count < 2; count++) {
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    t.is((await call.answered).status, 200);
    await call.hangup();
    await call.ended;
    await refusing.span('call');
    refusing.spans.length = 0;
  }
  t.regex(String((await stage.callwake.logged('traces not taken')).why), /\S/);
  t.is(stage.callwake.log.filter(({ event }) => event === 'traces not taken').length, 1);
  t.deepEqual(stage.faults(), []);

  const away = await staged(t, { url: 'http://127.0.0.1:9/v1/traces' });
  const other = await away.phone({ behaviour: QUICK });
  await other.background();
  const call = away.cucm.call({ to: '2001' });
  t.is((await call.answered).status, 200);
  await call.hangup();
  await call.ended;
  t.is(await away.callwake.stop(), 0);
});

test('the trace id of what is no UUID is a hash of it', (t) => {
  t.regex(traceIdOf('call 1'), /^[0-9a-f]{32}$/);
  t.not(traceIdOf('call 1'), traceIdOf('call 2'));
  t.not(traceIdOf('00000000-0000-0000-0000-000000000000'), '0'.repeat(32));
});
