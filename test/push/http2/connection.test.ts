import test from 'ava';
import { ErrorCode, Flag, FrameType, Setting } from '../../../src/push/http2/codes.js';
import { HpackDecoder } from '../../../src/push/http2/hpack-decoder.js';
import { until } from '../support.js';
import { answer, connected, frame, settings } from './support.js';

const wordOf = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const windowUpdate = (stream: number, by: number): Buffer => frame(FrameType.WINDOW_UPDATE, 0, stream, wordOf(by));
const goaway = (last: number, code = 0, debug = ''): Buffer =>
  frame(FrameType.GOAWAY, 0, 0, Buffer.concat([wordOf(last), wordOf(code), Buffer.from(debug)]));

test('preface, SETTINGS without push, an acknowledgement, and nothing before the other side has greeted', async (t) => {
  const { connection, peer, told, ask, greet, settled } = connected(t);
  t.false(connection.isUsable);
  t.throws(() => ask(), { message: /no more requests/ });
  await greet([Setting.MAX_CONCURRENT_STREAMS, 7]);
  await settled();
  const [first, second] = peer.received;
  t.like(first, { type: FrameType.SETTINGS, flags: 0, stream: 0 });
  t.is(first?.payload.toString('hex'), '000200000000000600008000');
  t.like(second, { type: FrameType.SETTINGS, flags: Flag.ACK });
  t.is(peer.received.length, 2);
  peer.send(frame(FrameType.SETTINGS, Flag.ACK, 0), settings(), settings([Setting.MAX_CONCURRENT_STREAMS, 1]));
  await until(() => told.length === 3);
  t.deepEqual(told, ['settings 7', 'settings 7', 'settings 1']);
});

test('each request is told when it leaves, and not while a process that dies would take it along', async (t) => {
  const { connection, peer, ask, greet, settled } = connected(t);
  await greet();
  const turn = [ask(), ask('')];
  t.deepEqual(
    turn.map(({ leftAt }) => leftAt),
    [undefined, undefined],
  );
  await settled();
  t.deepEqual(
    turn.map(({ leftAt }) => leftAt),
    [0, 0],
  );
  const third = ask();
  await settled();
  t.is(third.leftAt, 2);
  t.is(peer.of(FrameType.HEADERS).length, 3);
  const held = ask();
  connection.destroy();
  t.deepEqual([held.leftAt, held.told], [undefined, ['unsent']]);
});

test('a request: HEADERS and DATA of one turn, an answer with informational ones before and trailers after', async (t) => {
  const { peer, ask, greet, settled, connection } = connected(t);
  await greet();
  const [first, second, bodiless] = [ask('{"a":"é"}'), ask('{}'), ask('')];
  t.is(connection.streams, 3);
  await settled();
  const decoder = new HpackDecoder(4096);
  const lines: string[] = [];
  for (const { payload } of peer.of(FrameType.HEADERS)) {
    decoder.decode(payload, 0, payload.length, { take: ({ name, value }) => void lines.push(`${name}: ${value}`) });
  }
  const request = [':method: POST', ':scheme: https', ':authority: apple.test', ':path: /3/device/ab'];
  t.deepEqual(lines, [...request, ...request, ...request]);
  t.deepEqual(
    peer.received.slice(2).map(({ type, flags, stream }) => [type, flags, stream]),
    [
      [FrameType.HEADERS, Flag.END_HEADERS, 1],
      [FrameType.DATA, Flag.END_STREAM, 1],
      [FrameType.HEADERS, Flag.END_HEADERS, 3],
      [FrameType.DATA, Flag.END_STREAM, 3],
      [FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 5],
    ],
  );
  t.is(peer.of(FrameType.DATA)[0]?.payload.toString('utf8'), '{"a":"é"}');
  peer.send(
    frame(FrameType.HEADERS, Flag.END_HEADERS, 3, '08 03 313033'),
    frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.PADDED | Flag.PRIORITY, 3, '02 00000000 10 8c 0f0d 01 34 0000'),
    frame(FrameType.DATA, Flag.PADDED, 3, '01 6162 00'),
    frame(FrameType.DATA, 0, 3, '6364'),
    frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 3, '00 01 78 01 79'),
    answer(1),
    frame(FrameType.HEADERS, 0, 5),
    frame(FrameType.CONTINUATION, 0, 5, '8d'),
    frame(FrameType.CONTINUATION, Flag.END_HEADERS, 5, '0f11 03 6162 63'),
    frame(0xbe, 0xff, 5, '00'),
    frame(FrameType.DATA, Flag.END_STREAM, 5),
  );
  await until(() => connection.streams === 0);
  t.deepEqual(second.told, ['400', 'data ab', 'data cd', 'complete']);
  t.is(second.fields?.get('content-length'), '4');
  t.is(second.fields?.get('x'), undefined);
  t.deepEqual(first.told, ['200', 'complete']);
  t.deepEqual(bodiless.told, ['404', 'complete']);
  t.is(bodiless.fields?.get('accept-charset') ?? bodiless.fields?.get('age'), undefined);
});

test('the same, cut at every octet', async (t) => {
  const { peer, ask, greet, connection } = connected(t);
  await greet();
  const asked = ask();
  const all = Buffer.concat([
    settings([Setting.MAX_CONCURRENT_STREAMS, 9]),
    frame(FrameType.HEADERS, 0, 1, '8c'),
    frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1),
    frame(FrameType.PING, 0, 0, '0102030405060708'),
    frame(FrameType.DATA, 0, 1, '6162'),
    frame(FrameType.DATA, Flag.END_STREAM, 1, ''),
  ]);
  for (const octet of all) peer.send(Buffer.from([octet]));
  await until(() => connection.streams === 0);
  t.deepEqual(asked.told, ['400', 'data ab', 'complete']);
  await until(() => peer.of(FrameType.PING).length === 1);
  t.like(peer.of(FrameType.PING)[0], { flags: Flag.ACK, payload: Buffer.from('0102030405060708', 'hex') });
});

test('a body waits for the windows of its stream and of the connection, and goes on with either', async (t) => {
  const { peer, ask, greet, settled } = connected(t);
  await greet([Setting.INITIAL_WINDOW_SIZE, 4]);
  const sent = () =>
    peer.of(FrameType.DATA).map(({ stream, flags, payload }) => `${stream} ${payload}${flags ? '.' : ''}`);
  ask('abcdefgh');
  ask('ijk');
  await settled();
  t.deepEqual(sent(), ['1 abcd', '3 ijk.']);
  peer.send(settings([Setting.INITIAL_WINDOW_SIZE, 2]));
  peer.send(windowUpdate(1, 3));
  await settled();
  t.deepEqual(sent().slice(2), ['1 e']);
  peer.send(settings([Setting.INITIAL_WINDOW_SIZE, 100]));
  await settled();
  t.deepEqual(sent().slice(3), ['1 fgh.']);

  peer.send(settings([Setting.INITIAL_WINDOW_SIZE, 1_000_000]));
  await settled();
  const large = ask('x'.repeat(70_000));
  ask('late');
  await settled();
  const of5 = () => peer.of(FrameType.DATA).filter(({ stream }) => stream === 5);
  t.is(
    of5().reduce((sum, { payload }) => sum + payload.length, 0),
    65_535 - 11,
  );
  t.true(of5().every(({ payload }) => payload.length <= 16_384));
  peer.send(windowUpdate(0, 10_000));
  await settled();
  t.is(
    of5().reduce((sum, { payload }) => sum + payload.length, 0),
    70_000,
  );
  t.is(sent().at(-1), '7 late.');
  t.deepEqual(large.told, []);
});

test('a body that has to wait is dropped with its request', async (t) => {
  const { peer, ask, greet, settled, connection } = connected(t);
  await greet([Setting.INITIAL_WINDOW_SIZE, 1]);
  const [answered, cancelled, other] = [ask('abc'), ask('def'), ask('ghi')];
  await settled();
  peer.send(answer(1));
  await until(() => connection.streams === 2);
  t.deepEqual(answered.told, ['200', 'complete']);
  cancelled.stream?.cancel();
  cancelled.stream?.cancel();
  peer.send(settings([Setting.INITIAL_WINDOW_SIZE, 100]));
  await settled();
  t.deepEqual(
    peer.of(FrameType.RST_STREAM).map(({ stream, payload }) => [stream, payload.readUInt32BE()]),
    [
      [1, ErrorCode.CANCEL],
      [3, ErrorCode.CANCEL],
    ],
  );
  t.deepEqual(
    peer.of(FrameType.DATA).map(({ stream, payload }) => `${stream} ${payload}`),
    ['1 a', '3 d', '5 g', '5 hi'],
  );
  t.deepEqual([cancelled.told, other.told], [[], []]);
});

test('what the other side may send is given back to it', async (t) => {
  const { peer, ask, greet, settled, connection } = connected(t);
  await greet();
  ask();
  ask();
  peer.send(answer(1, 0), answer(3, 0));
  const data = (stream: number, flags = 0) => frame(FrameType.DATA, flags, stream, Buffer.alloc(16_384));
  const given = () =>
    peer.of(FrameType.WINDOW_UPDATE).map(({ stream, payload }) => [stream, payload.readUInt32BE()] as const);
  peer.send(data(1));
  await settled();
  t.deepEqual(given(), []);
  peer.send(data(3), data(1), data(1));
  await settled();
  t.deepEqual(given(), [
    [0, 2 * 16_384],
    [1, 2 * 16_384],
    [0, 2 * 16_384],
  ]);
  for (let n = 0; n < 20; n++) peer.send(data(3), data(1));
  peer.send(data(1, Flag.END_STREAM), data(3, Flag.END_STREAM));
  await until(() => connection.streams === 0);
  t.false(peer.ended);
});

test('a header block larger than a frame goes out, and comes in, with CONTINUATION', async (t) => {
  const { peer, ask, greet, settled, connection } = connected(t);
  await greet();
  const asked = ask('body', [{ name: 'x', value: 'y'.repeat(40_000), indexing: 'never' }]);
  await settled();
  const frames = peer.received.slice(2);
  t.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [FrameType.HEADERS, 0],
      [FrameType.CONTINUATION, 0],
      [FrameType.CONTINUATION, Flag.END_HEADERS],
      [FrameType.DATA, Flag.END_STREAM],
    ],
  );
  const decoder = new HpackDecoder(4096);
  const block = Buffer.concat(frames.slice(0, 3).map(({ payload }) => payload));
  decoder.decode(block, 0, block.length, { take: ({ value }) => t.is(value.length, 40_000) });
  t.is(frames[3]?.payload.toString(), 'body');
  const long = Buffer.concat([Buffer.from('880001787fa19b01', 'hex'), Buffer.alloc(20_000, 'z')]);
  peer.send(
    frame(FrameType.HEADERS, Flag.END_STREAM, 1, long.subarray(0, 16_384)),
    frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, long.subarray(16_384)),
  );
  await until(() => connection.streams === 0);
  t.deepEqual(asked.told, ['200', 'complete']);
  t.is(asked.fields?.get('x')?.length, 20_000);
});

test('SETTINGS_HEADER_TABLE_SIZE is kept to, from the next request on', async (t) => {
  const { peer, ask, greet, settled } = connected(t);
  await greet();
  ask('');
  peer.send(settings([Setting.HEADER_TABLE_SIZE, 0], [Setting.HEADER_TABLE_SIZE, 100]));
  await settled();
  ask('');
  await settled();
  const [before, after] = peer.of(FrameType.HEADERS);
  const decoder = new HpackDecoder(4096);
  const names: string[] = [];
  for (const { payload } of [before, after].filter((one) => one !== undefined)) {
    decoder.decode(payload, 0, payload.length, { take: ({ name }) => void names.push(name) });
  }
  t.is(names.length, 8);
  t.is(after?.payload.subarray(0, 3).toString('hex'), '203f45');
});

test('RST_STREAM: refused says that nothing was done, any other code that nobody knows', async (t) => {
  const { peer, ask, greet, connection } = connected(t);
  await greet();
  const [refused, reset, late] = [ask(), ask(), ask()];
  peer.send(
    frame(FrameType.RST_STREAM, 0, 1, wordOf(ErrorCode.REFUSED_STREAM)),
    frame(FrameType.RST_STREAM, 0, 3, wordOf(ErrorCode.INTERNAL_ERROR)),
    frame(FrameType.RST_STREAM, 0, 3, wordOf(ErrorCode.INTERNAL_ERROR)),
    windowUpdate(3, 5),
    frame(FrameType.PRIORITY, 0, 3, '0000000000'),
    answer(5, 0),
    frame(FrameType.RST_STREAM, 0, 5, wordOf(ErrorCode.NO_ERROR)),
  );
  await until(() => connection.streams === 0);
  t.deepEqual([refused.told, reset.told, late.told], [['refused 7'], ['reset 2'], ['200', 'reset']]);
  t.true(connection.isUsable);
});

test('an answer to what was given up is read and dropped, for its compression and its windows', async (t) => {
  const { peer, ask, greet, connection } = connected(t);
  await greet();
  const [given, next] = [ask(), ask()];
  given.stream?.cancel();
  peer.send(
    frame(FrameType.HEADERS, Flag.END_HEADERS, 1, '88 40 01 61 01 62'),
    frame(FrameType.DATA, 0, 1, '616263'),
    frame(FrameType.DATA, Flag.END_STREAM, 1),
    frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 3, '88 be'),
  );
  await until(() => connection.streams === 0);
  t.deepEqual([given.told, next.told], [[], ['200', 'complete']]);
  t.is(next.fields?.get('a'), 'b');
  t.false(peer.ended);
});

test('GOAWAY: what is above its last was not processed, what is below is answered, nothing new', async (t) => {
  const { peer, ask, greet, connection, told } = connected(t);
  await greet();
  const [first, second, third] = [ask(), ask(), ask()];
  peer.send(goaway(2 ** 31 - 1, 0, '{"reason":"Shutdown"}'));
  await until(() => !connection.isUsable);
  t.throws(() => ask());
  t.is(connection.streams, 3);
  peer.send(goaway(3), goaway(5), goaway(3), goaway(1));
  await until(() => connection.streams === 1);
  t.deepEqual([second.told, third.told], [['refused'], ['refused']]);
  t.is(told[1], 'goaway 0 2147483647 {"reason":"Shutdown"}');
  t.deepEqual(told.slice(2), ['goaway 0 3 ', 'goaway 0 3 ', 'goaway 0 3 ', 'goaway 0 1 ']);
  peer.send(answer(1));
  await until(() => connection.streams === 0);
  t.deepEqual(first.told, ['200', 'complete']);
  t.false(peer.ended, 'whoever uses it closes it');
});

test('a lost connection: what left is lost, what did not was never sent', async (t) => {
  for (const cut of ['end', 'destroy', 'error'] as const) {
    const { peer, mine, ask, greet, settled, told, connection } = connected(t);
    await greet();
    const [left, lost] = [ask(), ask()];
    await settled();
    const unsent = ask();
    if (cut === 'end') peer.socket.end();
    if (cut === 'destroy') mine.destroy();
    if (cut === 'error') mine.destroy(new Error('read ECONNRESET'));
    if (cut === 'end') await until(() => left.told.length > 0);
    else await until(() => told.length === 2);
    t.deepEqual([left.told, lost.told], [['lost'], ['lost']], cut);
    if (cut !== 'end') t.deepEqual(unsent.told, ['unsent'], cut);
    t.deepEqual(told.slice(1), [cut === 'error' ? 'close read ECONNRESET' : 'close closed by the other side']);
    t.false(connection.isUsable);
    connection.destroy();
    connection.ping();
  }
});

test('destroyed: requests end at once, with nothing told of the connection, and the other side gets a GOAWAY', async (t) => {
  const { peer, ask, greet, settled, told, connection } = connected(t);
  await greet();
  const left = ask();
  await settled();
  const unsent = ask();
  connection.destroy();
  t.deepEqual([left.told, unsent.told], [['lost'], ['unsent']]);
  t.is(await peer.goaway(), ErrorCode.NO_ERROR);
  t.is(peer.of(FrameType.HEADERS).length, 1);
  t.deepEqual(
    peer.of(FrameType.RST_STREAM).map(({ stream, payload }) => [stream, payload.readUInt32BE()]),
    [[1, ErrorCode.CANCEL]],
    'nothing of a stream that the other side has not heard of',
  );
  t.deepEqual(told, ['settings Infinity']);
});

test('destroyed while it is being told something: nothing comes after', async (t) => {
  const { peer, ask, greet, settled, connection } = connected(t);
  await greet();
  const [first, second] = [ask(), ask()];
  await settled();
  first.onResponse = () => {
    first.told.push('destroys');
    connection.destroy();
  };
  peer.send(answer(1), answer(3));
  await until(() => first.told.length > 1);
  await peer.goaway();
  t.deepEqual([first.told, second.told], [['destroys', 'lost'], ['lost']]);
});

test('cancelled while it is being told something: nothing comes after', async (t) => {
  const { peer, ask, greet, connection } = connected(t);
  await greet();
  const [first, second] = [ask(), ask()];
  first.onResponse = () => first.stream?.cancel();
  second.onData = () => second.stream?.cancel();
  peer.send(answer(1), answer(3, 0), frame(FrameType.DATA, Flag.END_STREAM, 3, '61'));
  await until(() => connection.streams === 0);
  t.deepEqual([first.told, second.told], [[], ['200']]);
});

test('PING is answered, and only a PONG of the last PING is one', async (t) => {
  const { peer, greet, settled, connection, told } = connected(t);
  await greet();
  connection.ping();
  connection.ping();
  await settled();
  const [first, last] = peer.of(FrameType.PING);
  const pong = (payload: Buffer | undefined) => frame(FrameType.PING, Flag.ACK, 0, payload ?? '');
  peer.send(
    pong(first?.payload),
    pong(Buffer.alloc(8)),
    frame(FrameType.PING, 0, 0, '6162636465666768'),
    pong(last?.payload),
  );
  await until(() => told.includes('pong'));
  await settled();
  t.deepEqual(told, ['settings Infinity', 'pong']);
  t.is(peer.of(FrameType.PING).at(-1)?.payload.toString(), 'abcdefgh');
});

test('the last number that a stream may have is used, and none after', async (t) => {
  const { peer, ask, greet, connection } = connected(t, { firstStream: 2 ** 31 - 3 });
  await greet();
  const [one, last] = [ask(), ask()];
  t.false(connection.isUsable);
  t.throws(() => ask());
  peer.send(answer(2 ** 31 - 1), answer(2 ** 31 - 3));
  await until(() => connection.streams === 0);
  t.deepEqual(
    [one.told, last.told],
    [
      ['200', 'complete'],
      ['200', 'complete'],
    ],
  );
});

test('a field that none may have is thrown back, and the requests after it are understood', async (t) => {
  const { peer, ask, greet, settled } = connected(t);
  await greet();
  t.throws(() => ask('', [{ name: 'x', value: 'a\r\nb', indexing: 'field' }]), { instanceOf: TypeError });
  ask('');
  await settled();
  const [only] = peer.of(FrameType.HEADERS);
  t.is(only?.stream, 1);
  let fields = 0;
  const block = only?.payload ?? Buffer.alloc(0);
  new HpackDecoder(4096).decode(block, 0, block.length, { take: () => fields++ });
  t.is(fields, 4);
});
