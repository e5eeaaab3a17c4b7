import http2 from 'node:http2';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { HeaderField, Indexing } from '../../../src/push/http2/hpack-encoder.js';
import { Http2Connection } from '../../../src/push/http2/connection.js';
import { FakeClock } from '../../support/fake-clock.js';
import { until } from '../support.js';
import { Asked, FIELDS, pipe } from './support.js';

/** A connection to a server of node (nghttp2), which says what it was asked. */
function toNode(
  t: ExecutionContext,
  options: http2.ServerOptions,
  onStream: (stream: http2.ServerHttp2Stream, raw: string[]) => void,
) {
  const [mine, its] = pipe();
  const server = http2.createServer(options);
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream: http2.ServerHttp2Stream, _headers: unknown, _flags: unknown, raw: string[]) =>
    onStream(stream, raw),
  );
  server.emit('connection', its);
  mine.on('error', () => {});
  const told: string[] = [];
  const connection = new Http2Connection({
    socket: mine,
    clock: new FakeClock(),
    events: {
      onSettings: (limit) => void told.push(`settings ${limit}`),
      onGoaway: (code) => void told.push(`goaway ${code}`),
      onPong: () => void told.push('pong'),
      onClose: (why) => void told.push(`close ${why}`),
    },
  });
  t.teardown(() => connection.destroy());
  const ask = (fields: readonly HeaderField[], body: string): Asked => {
    const asked = new Asked();
    asked.stream = connection.request(fields, body, 'utf8', asked);
    return asked;
  };
  return { connection, told, ask, sessions };
}

const anyValue = fc
  .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0xa0, max: 0xff })), { maxLength: 200 })
  .map((octets) => String.fromCharCode(...octets).trim());
const anyRequest = fc.tuple(
  fc.array(
    fc.record({
      name: fc.constantFrom('apns-id', 'apns-topic', 'x-a', 'x-b', 'user-agent'),
      value: fc.oneof(anyValue, fc.constantFrom('one', 'two', 'three')),
      indexing: fc.constantFrom<Indexing>('field', 'name', 'never'),
    }),
    { maxLength: 8 },
  ),
  fc.oneof(fc.string({ maxLength: 50 }), fc.constantFrom('', 'x'.repeat(5_000))),
);

for (const size of [0, 200, 4096]) {
  test(`nghttp2 reads what was written and writes what is read, table of ${size}`, async (t) => {
    const seen = new Map<number, { raw: string[]; body: string }>();
    const { connection, ask, told } = toNode(t, { settings: { headerTableSize: size } }, (stream, raw) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        seen.set(stream.id ?? 0, { raw, body: Buffer.concat(chunks).toString('utf8') });
        const echo = Object.fromEntries(
          raw.flatMap((name, at) => (at % 2 || name.startsWith(':') ? [] : [[name, raw[at + 1]]])),
        );
        setImmediate(() => {
          stream.respond({ ':status': 400, ...echo }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ trailer: 'x' }));
          stream.end(Buffer.concat(chunks));
        });
      });
    });
    await until(() => connection.isUsable);
    await fc.assert(
      fc.asyncProperty(fc.array(anyRequest, { minLength: 1, maxLength: 4 }), async (requests) => {
        seen.clear();
        const asked = requests.map(([fields, body]) => ask([...FIELDS, ...fields], body));
        await until(() => asked.every(({ told }) => told.includes('complete')));
        const inOrder = [...seen].sort(([one], [other]) => one - other).map(([, request]) => request);
        for (const [n, [fields, body]] of requests.entries()) {
          const said = [...FIELDS, ...fields].flatMap(({ name, value }) => [name, value]);
          t.deepEqual(inOrder[n], { raw: said, body });
          const { told = [], fields: answered } = asked[n] ?? {};
          t.is(told[0], '400');
          const data = told.flatMap((line) => (line.startsWith('data ') ? [line.slice(5)] : [])).join('');
          t.is(Buffer.from(data, 'latin1').toString('utf8'), body);
          for (const { name } of fields) t.is(answered?.get(name), fields.findLast((one) => one.name === name)?.value);
        }
      }),
      { numRuns: 30 },
    );
    t.deepEqual(told, ['settings Infinity']);
  });
}

test('nghttp2 answers PING, refuses, resets and says goodbye', async (t) => {
  const { connection, told, ask, sessions } = toNode(t, { settings: { maxConcurrentStreams: 5 } }, (stream) => {
    const code =
      Number(stream.id) === 1 ? http2.constants.NGHTTP2_REFUSED_STREAM : http2.constants.NGHTTP2_INTERNAL_ERROR;
    stream.on('error', () => {});
    setImmediate(() => stream.close(code));
  });
  await until(() => connection.isUsable);
  connection.ping();
  await until(() => told.includes('pong'));
  const [refused, reset] = [ask(FIELDS, ''), ask(FIELDS, '')];
  await until(() => connection.streams === 0);
  t.deepEqual([refused.told, reset.told], [['refused 7'], ['reset 2']]);
  sessions[0]?.goaway(0, 3, Buffer.from('bye'));
  await until(() => told.includes('goaway 0'));
  t.false(connection.isUsable);
  t.is(told[0], 'settings 5');
});
