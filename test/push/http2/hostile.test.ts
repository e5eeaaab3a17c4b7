import test from 'ava';
import fc from 'fast-check';
import { ErrorCode, Flag, FrameType, Setting } from '../../../src/push/http2/codes.js';
import { until } from '../support.js';
import { answer, connected, frame, settings } from './support.js';

const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, COMPRESSION_ERROR, STREAM_CLOSED, ENHANCE_YOUR_CALM } =
  ErrorCode;
const HEADERS_END = Flag.END_HEADERS | Flag.END_STREAM;
const MOST = 'ffffffff';

/** What a server may not send after its SETTINGS while stream 1 waits for its answer (and 3 is done), and the error of the connection. */
const connectionErrors: readonly [string, readonly Buffer[], number][] = [
  ['DATA of the connection', [frame(FrameType.DATA, 0, 0, '00')], PROTOCOL_ERROR],
  ['DATA of a stream that nobody opened', [frame(FrameType.DATA, 0, 5, '00')], PROTOCOL_ERROR],
  ['DATA of a stream of the server', [frame(FrameType.DATA, 0, 2, '00')], PROTOCOL_ERROR],
  ['DATA after the end of its stream', [frame(FrameType.DATA, 0, 3, '00')], STREAM_CLOSED],
  ['DATA with padding beyond its end', [frame(FrameType.DATA, Flag.PADDED, 1, '03 00 00')], PROTOCOL_ERROR],
  ['DATA without room for its padding', [frame(FrameType.DATA, Flag.PADDED, 1)], FRAME_SIZE_ERROR],
  ['HEADERS of the connection', [frame(FrameType.HEADERS, HEADERS_END, 0, '88')], PROTOCOL_ERROR],
  ['HEADERS of a stream that nobody opened', [answer(5)], PROTOCOL_ERROR],
  ['HEADERS of a stream of the server', [answer(2)], PROTOCOL_ERROR],
  ['HEADERS after the end of their stream', [answer(3)], STREAM_CLOSED],
  [
    'HEADERS with padding beyond their end',
    [frame(FrameType.HEADERS, HEADERS_END | Flag.PADDED, 1, '02 88')],
    PROTOCOL_ERROR,
  ],
  [
    'HEADERS without room for a priority',
    [frame(FrameType.HEADERS, HEADERS_END | Flag.PRIORITY, 1, '88')],
    FRAME_SIZE_ERROR,
  ],
  ['HEADERS that are no HPACK', [frame(FrameType.HEADERS, HEADERS_END, 1, 'ff')], COMPRESSION_ERROR],
  [
    'HEADERS of a finished stream that are no HPACK',
    [frame(FrameType.HEADERS, HEADERS_END, 3, '80')],
    COMPRESSION_ERROR,
  ],
  [
    'another frame amid a field block',
    [frame(FrameType.HEADERS, 0, 1, '88'), frame(FrameType.PING, 0, 0, '00'.repeat(8))],
    PROTOCOL_ERROR,
  ],
  ['an unknown frame amid a field block', [frame(FrameType.HEADERS, 0, 1, '88'), frame(0x77, 0, 1)], PROTOCOL_ERROR],
  [
    'CONTINUATION of another stream',
    [frame(FrameType.HEADERS, 0, 1), frame(FrameType.CONTINUATION, Flag.END_HEADERS, 3)],
    PROTOCOL_ERROR,
  ],
  ['CONTINUATION of nothing', [frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, '88')], PROTOCOL_ERROR],
  ['PRIORITY of the connection', [frame(FrameType.PRIORITY, 0, 0, '0000000000')], PROTOCOL_ERROR],
  ['RST_STREAM of the connection', [frame(FrameType.RST_STREAM, 0, 0, '00000000')], PROTOCOL_ERROR],
  ['RST_STREAM of a stream that nobody opened', [frame(FrameType.RST_STREAM, 0, 5, '00000000')], PROTOCOL_ERROR],
  ['RST_STREAM of three octets', [frame(FrameType.RST_STREAM, 0, 1, '000000')], FRAME_SIZE_ERROR],
  ['SETTINGS of a stream', [frame(FrameType.SETTINGS, 0, 1)], PROTOCOL_ERROR],
  ['SETTINGS of five octets', [frame(FrameType.SETTINGS, 0, 0, '0001000000')], FRAME_SIZE_ERROR],
  [
    'an acknowledgement of SETTINGS with a payload',
    [frame(FrameType.SETTINGS, Flag.ACK, 0, '000100000000')],
    FRAME_SIZE_ERROR,
  ],
  [
    'SETTINGS acknowledged twice',
    [frame(FrameType.SETTINGS, Flag.ACK, 0), frame(FrameType.SETTINGS, Flag.ACK, 0)],
    PROTOCOL_ERROR,
  ],
  ['SETTINGS_ENABLE_PUSH of a server', [settings([Setting.ENABLE_PUSH, 1])], PROTOCOL_ERROR],
  [
    'SETTINGS_INITIAL_WINDOW_SIZE above 31 bits',
    [settings([Setting.INITIAL_WINDOW_SIZE, 2 ** 31])],
    FLOW_CONTROL_ERROR,
  ],
  ['SETTINGS_MAX_FRAME_SIZE below its least', [settings([Setting.MAX_FRAME_SIZE, 16_383])], PROTOCOL_ERROR],
  ['SETTINGS_MAX_FRAME_SIZE above its most', [settings([Setting.MAX_FRAME_SIZE, 2 ** 24])], PROTOCOL_ERROR],
  [
    'SETTINGS that make the window of a stream overflow',
    [frame(FrameType.WINDOW_UPDATE, 0, 1, '7fff0000'), settings([Setting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1])],
    FLOW_CONTROL_ERROR,
  ],
  ['PUSH_PROMISE', [frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, 1, '00000002 82')], PROTOCOL_ERROR],
  ['PING of a stream', [frame(FrameType.PING, 0, 1, '00'.repeat(8))], PROTOCOL_ERROR],
  ['PING of seven octets', [frame(FrameType.PING, 0, 0, '00'.repeat(7))], FRAME_SIZE_ERROR],
  ['PONG of nine octets', [frame(FrameType.PING, Flag.ACK, 0, '00'.repeat(9))], FRAME_SIZE_ERROR],
  ['GOAWAY of a stream', [frame(FrameType.GOAWAY, 0, 1, '00'.repeat(8))], PROTOCOL_ERROR],
  ['GOAWAY of seven octets', [frame(FrameType.GOAWAY, 0, 0, '00'.repeat(7))], FRAME_SIZE_ERROR],
  ['WINDOW_UPDATE of three octets', [frame(FrameType.WINDOW_UPDATE, 0, 0, '000001')], FRAME_SIZE_ERROR],
  ['WINDOW_UPDATE by 0', [frame(FrameType.WINDOW_UPDATE, 0, 0, '00000000')], PROTOCOL_ERROR],
  ['WINDOW_UPDATE beyond all bounds', [frame(FrameType.WINDOW_UPDATE, 0, 0, MOST)], FLOW_CONTROL_ERROR],
  ['WINDOW_UPDATE of a stream that nobody opened', [frame(FrameType.WINDOW_UPDATE, 0, 7, '00000001')], PROTOCOL_ERROR],
  ['a frame that is too large', [frame(0x77, 0, 0, Buffer.alloc(16_385))], FRAME_SIZE_ERROR],
  [
    'field blocks without end',
    [frame(FrameType.HEADERS, 0, 1), ...Array.from({ length: 70 }, () => frame(FrameType.CONTINUATION, 0, 1))],
    ENHANCE_YOUR_CALM,
  ],
  [
    'a field block above all bounds',
    [
      frame(FrameType.HEADERS, 0, 1),
      ...Array.from({ length: 5 }, () => frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_384))),
    ],
    ENHANCE_YOUR_CALM,
  ],
];

test('what a server may not do ends the connection, with the error that the RFC names', async (t) => {
  for (const [name, frames, code] of connectionErrors) {
    const { peer, ask, greet, told, connection } = connected(t);
    await greet();
    const [waits, done] = [ask(), ask()];
    peer.send(answer(3));
    await until(() => connection.streams === 1);
    peer.send(...frames);
    t.is(await peer.goaway(), code, name);
    t.deepEqual([waits.told, done.told], [['lost'], ['200', 'complete']], name);
    t.is(told.filter((line) => line.startsWith('close ')).length, 1, name);
    t.false(connection.isUsable);
  }
});

test('a connection does not begin with anything but SETTINGS', async (t) => {
  for (const first of [
    frame(FrameType.PING, 0, 0, '00'.repeat(8)),
    frame(FrameType.SETTINGS, Flag.ACK, 0),
    answer(1),
  ]) {
    const { peer, told } = connected(t);
    peer.send(first);
    t.is(await peer.goaway(), PROTOCOL_ERROR);
    t.regex(told.join(), /^close PROTOCOL_ERROR: frame \d before SETTINGS$/);
  }
  const { peer, told } = connected(t);
  peer.send(Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  t.is(await peer.goaway(), FRAME_SIZE_ERROR);
  t.is(told.length, 1);
});

const fields = (hex: string, flags: number = HEADERS_END): Buffer => frame(FrameType.HEADERS, flags, 1, hex);
const ok = frame(FrameType.HEADERS, Flag.END_HEADERS, 1, '88');
/** `content-length: 2`. */
const two = frame(FrameType.HEADERS, Flag.END_HEADERS, 1, '88 0f0d 01 32');

/** What makes an answer malformed, or breaks the bounds of a stream: the others go on. */
const streamErrors: readonly [string, readonly Buffer[], number][] = [
  ['no :status', [fields('00 01 78 01 79')], PROTOCOL_ERROR],
  ['no fields at all', [fields('')], PROTOCOL_ERROR],
  [':status twice', [fields('88 88')], PROTOCOL_ERROR],
  [':status that is none', [fields('08 02 3939')], PROTOCOL_ERROR],
  [':status after a field', [fields('00 01 78 01 79 88')], PROTOCOL_ERROR],
  ['a pseudo-header field of a request', [fields('88 84')], PROTOCOL_ERROR],
  ['upper case', [fields('88 00 01 58 01 79')], PROTOCOL_ERROR],
  ['a line break in a value', [fields('88 00 01 78 02 0d0a')], PROTOCOL_ERROR],
  ['a field of HTTP/1.1 connections', [fields('88 00 0a 636f6e6e656374696f6e 05 636c6f7365')], PROTOCOL_ERROR],
  ['101', [fields('08 03 313031', Flag.END_HEADERS)], PROTOCOL_ERROR],
  ['100 at the end', [fields('08 03 313030')], PROTOCOL_ERROR],
  ['DATA before the answer', [frame(FrameType.DATA, 0, 1, '00')], PROTOCOL_ERROR],
  ['trailers that are not the end', [ok, fields('00 01 78 01 79', Flag.END_HEADERS)], PROTOCOL_ERROR],
  [':status in trailers', [ok, fields('88')], PROTOCOL_ERROR],
  ['content-length that is none', [fields('88 0f0d 02 2b31')], PROTOCOL_ERROR],
  ['content-length twice, differing', [fields('88 0f0d 01 32 0f0d 01 33')], PROTOCOL_ERROR],
  ['more DATA than content-length says', [two, frame(FrameType.DATA, 0, 1, '616263')], PROTOCOL_ERROR],
  ['less DATA than content-length says', [two, frame(FrameType.DATA, Flag.END_STREAM, 1, '61')], PROTOCOL_ERROR],
  ['no DATA where content-length says some', [fields('88 0f0d 01 32')], PROTOCOL_ERROR],
  ['WINDOW_UPDATE by 0', [frame(FrameType.WINDOW_UPDATE, 0, 1, '00000000')], PROTOCOL_ERROR],
  ['WINDOW_UPDATE beyond all bounds', [frame(FrameType.WINDOW_UPDATE, 0, 1, '7fffffff')], FLOW_CONTROL_ERROR],
  ['PRIORITY of four octets', [frame(FrameType.PRIORITY, 0, 1, '00000000')], FRAME_SIZE_ERROR],
  [
    'fields above all bounds, of one in a table given again and again',
    [fields(`88 40 01 78 7f a1 1e ${'79'.repeat(4000)} ${'be'.repeat(12_000)}`)],
    ENHANCE_YOUR_CALM,
  ],
];

test('what breaks one answer ends its stream, and no other', async (t) => {
  for (const [name, frames, code] of streamErrors) {
    const { peer, ask, greet, connection } = connected(t);
    await greet();
    const [broken, good] = [ask(), ask()];
    peer.send(...frames);
    await until(() => connection.streams === 1);
    t.is(broken.told.at(-1), `reset ${code}`, name);
    peer.send(answer(3));
    await until(() => connection.streams === 0);
    t.deepEqual(good.told, ['200', 'complete'], name);
    await until(() => peer.of(FrameType.RST_STREAM).length === 1);
    const [reset] = peer.of(FrameType.RST_STREAM);
    t.deepEqual([reset?.stream, reset?.payload.readUInt32BE()], [1, code], name);
    t.false(peer.ended, name);
  }
});

test('a status without a body may say how long that would be', async (t) => {
  const { peer, ask, greet, connection } = connected(t);
  await greet();
  const asked = ask();
  peer.send(fields('8b 0f0d 01 32'));
  await until(() => connection.streams === 0);
  t.deepEqual(asked.told, ['304', 'complete']);
});

const many = (one: Buffer, count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => one));
const PING = frame(FrameType.PING, 0, 0, '00'.repeat(8));

/** Legal frames that are of no use. */
const floods: readonly [string, Buffer][] = [
  ['PING', PING],
  ['PONG', frame(FrameType.PING, Flag.ACK, 0, '00'.repeat(8))],
  ['SETTINGS', settings()],
  ['PRIORITY', frame(FrameType.PRIORITY, 0, 9, '0000000000')],
  ['unknown frames', frame(0x77, 0, 0)],
  ['WINDOW_UPDATE', frame(FrameType.WINDOW_UPDATE, 0, 0, '00000001')],
  ['empty DATA', frame(FrameType.DATA, 0, 1)],
  ['RST_STREAM', frame(FrameType.RST_STREAM, 0, 3, '00000008')],
  ['informational answers', frame(FrameType.HEADERS, Flag.END_HEADERS, 1, '08 03 313033')],
];

test('a flood of frames that are of no use ends the connection', async (t) => {
  for (const [name, one] of floods) {
    const { peer, ask, greet } = connected(t);
    await greet();
    ask();
    ask();
    peer.send(answer(3), ...(name === 'empty DATA' ? [answer(1, 0)] : []), many(one, 3_000));
    t.is(await peer.goaway(), ENHANCE_YOUR_CALM, name);
  }
});

test('a server that gives back each octet of a tiny window is none', async (t) => {
  const { peer, ask, greet, settled, connection } = connected(t);
  await greet([Setting.INITIAL_WINDOW_SIZE, 1]);
  ask('x'.repeat(1_000));
  for (let octet = 0; octet < 1_000; octet++) {
    peer.send(
      frame(FrameType.WINDOW_UPDATE, 0, 1, '00000001'),
      many(frame(FrameType.WINDOW_UPDATE, 0, 0, '00000001'), 2),
    );
    if (octet % 100 === 0) await settled();
  }
  peer.send(answer(1));
  await until(() => connection.streams === 0);
  t.false(peer.ended);
});

test('as many frames over a longer time, or for as many requests, are none', async (t) => {
  const { peer, ask, greet, clock, settled, connection } = connected(t);
  await greet();
  for (let second = 0; second < 4; second++) {
    for (let part = 0; part < 4; part++) {
      peer.send(many(PING, 450));
      await settled();
    }
    clock.advance(1_000);
  }
  for (let n = 0; n < 1_000; n++) ask('');
  await settled();
  for (let n = 0; n < 1_000; n++)
    peer.send(many(frame(FrameType.WINDOW_UPDATE, 0, 1 + 2 * n, '00000001'), 10), answer(1 + 2 * n));
  await until(() => connection.streams === 0);
  t.false(peer.ended);
});

test('replies that nobody reads are not heaped up', async (t) => {
  const { peer, mine, greet, settled, clock, told } = connected(t);
  await greet();
  await settled();
  mine.stuck = true;
  for (let second = 0; second < 3; second++) {
    clock.advance(1_000);
    peer.send(many(PING, 600));
    await settled();
  }
  await until(() => told.length > 1);
  t.deepEqual(told.slice(1), ['close ENHANCE_YOUR_CALM: reads none of the replies it causes']);
});

test('DATA beyond the window ends the connection', async (t) => {
  const { peer, ask, greet, connection, settled } = connected(t);
  await greet();
  const asked = ask();
  asked.stream?.cancel();
  await settled();
  // Of what was given up the connection's window is given back, so that this can go on for ever.
  peer.send(answer(1, 0), many(frame(FrameType.DATA, 0, 1, Buffer.alloc(16_384)), 30));
  await settled();
  t.false(peer.ended);
  const other = ask();
  peer.send(answer(3, 0));
  await until(() => other.told.length === 1);
  t.is(connection.streams, 1);
});

const anyFrame = fc
  .tuple(
    fc.integer({ min: 0, max: 11 }),
    fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d), fc.integer({ min: 0, max: 255 })),
    fc.constantFrom(0, 1, 3, 5, 7, 9, 2, 2 ** 31 - 1),
    fc.oneof(
      fc.constantFrom('88', '8c', '', '00000000', '00000001', '00'.repeat(8), '000300000001', '88be', '4001610162'),
      fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets).toString('hex')),
    ),
  )
  .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));

test('whatever a server sends, nothing is thrown, and each request ends exactly once', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFrame, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 60 })),
      async (frames, cuts) => {
        const { peer, ask, greet, settled, connection, told } = connected(t);
        await greet();
        const asked = Array.from({ length: 4 }, () => ask());
        asked[2]?.stream?.cancel();
        let rest = Buffer.concat(frames);
        for (const cut of cuts) {
          peer.send(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        peer.send(rest);
        await settled();
        connection.destroy();
        const ends = asked.map(
          ({ told }) => told.filter((line) => /^(complete|refused|unsent|reset|lost)/.test(line)).length,
        );
        t.deepEqual(ends, [1, 1, 0, 1]);
        t.true(
          asked.every(
            ({ told }) => told.length === 0 || /^(complete|refused|unsent|reset|lost)/.test(told.at(-1) ?? ''),
          ),
        );
        t.true(told.filter((line) => line.startsWith('close')).length <= 1);
      },
    ),
    { numRuns: 100 },
  );
});
