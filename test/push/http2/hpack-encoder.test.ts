import test from 'ava';
import fc from 'fast-check';
import { HpackDecoder } from '../../../src/push/http2/hpack-decoder.js';
import { type HeaderField, HpackEncoder, type Indexing } from '../../../src/push/http2/hpack-encoder.js';

function encode(encoder: HpackEncoder, fields: readonly HeaderField[]): Buffer {
  const into = Buffer.alloc(encoder.roomFor(fields));
  return into.subarray(0, encoder.encode(fields, into, 0));
}

const field = (line: string, indexing: Indexing = 'field'): HeaderField => {
  const at = line.indexOf(': ');
  return { name: line.slice(0, at), value: line.slice(at + 2), indexing };
};
const hexOf = (bytes: Buffer): string => bytes.toString('hex');

function decoded(decoder: HpackDecoder, block: Buffer): string[] {
  const lines: string[] = [];
  decoder.decode(block, 0, block.length, { take: ({ name, value }) => void lines.push(`${name}: ${value}`) });
  return lines;
}

test('RFC 7541 C.2.3: what nobody may keep', (t) => {
  t.is(hexOf(encode(new HpackEncoder(), [field('password: secret', 'never')])), '100870617373776f726406736563726574');
});

test('RFC 7541 C.3: requests that follow each other', (t) => {
  const encoder = new HpackEncoder();
  const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'].map((line) => field(line));
  t.is(hexOf(encode(encoder, first)), '828684410f7777772e6578616d706c652e636f6d');
  t.is(hexOf(encode(encoder, [...first, field('cache-control: no-cache')])), '828684be58086e6f2d6361636865');
  const third = [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com'].map((l) =>
    field(l),
  );
  t.is(
    hexOf(encode(encoder, [...third, field('custom-key: custom-value')])),
    '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  );
});

test('RFC 7541 C.5: a table that evicts', (t) => {
  const encoder = new HpackEncoder();
  encoder.limit(256);
  const answer = (status: number, second: number) =>
    [
      `:status: ${status}`,
      'cache-control: private',
      `date: Mon, 21 Oct 2013 20:13:${second} GMT`,
      'location: https://www.example.com',
    ].map((line) => field(line));
  t.true(hexOf(encode(encoder, answer(302, 21))).startsWith('3fe1014803333032580770726976617465611d'));
  t.is(hexOf(encode(encoder, answer(307, 21))), '4803333037c1c0bf');
  const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
  const last = hexOf(encode(encoder, [...answer(200, 22), field('content-encoding: gzip'), field(cookie)]));
  t.true(last.startsWith('88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738'));
});

test('a value that is new each time is put into the table once, for its name', (t) => {
  const encoder = new HpackEncoder();
  t.is(hexOf(encode(encoder, [field('apns-id: a', 'name')])), '400761706e732d69640161');
  t.is(hexOf(encode(encoder, [field('apns-id: b', 'name')])), '0f2f0162');
  t.is(hexOf(encode(encoder, [field('apns-id: a', 'name')])), 'be');
  t.is(hexOf(encode(encoder, [field('apns-id: a', 'never')])), '1f2f0161');
});

test('the other side is told of the smallest size and of the last', (t) => {
  const encoder = new HpackEncoder();
  encode(encoder, [field('a: b')]);
  encoder.limit(100);
  encoder.limit(0);
  encoder.limit(200);
  t.is(hexOf(encode(encoder, [field('a: b')])), '203fa9014001610162');
  t.is(hexOf(encode(encoder, [field('a: b')])), 'be');
  encoder.limit(1_000_000);
  t.is(hexOf(encode(encoder, [field('a: b')])), '3fe11fbe');
  encoder.limit(4096);
  t.is(hexOf(encode(encoder, [field('a: b')])), 'be');
});

test('a table of no size is not used', (t) => {
  const encoder = new HpackEncoder();
  encoder.limit(0);
  t.is(hexOf(encode(encoder, [field('a: b')])), '200001610162');
  t.is(hexOf(encode(encoder, [field('a: b')])), '0001610162');
});

test('a block that could not be written leaves both tables alike', (t) => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096);
  decoded(decoder, encode(encoder, [field('a: b')]));
  for (const value of ['x\r\ny', 'x\0', 'Ā', '\x7f']) {
    const broken: HeaderField = { name: 'd', value, indexing: 'field' };
    t.throws(() => encode(encoder, [field('c: d'), broken]), { instanceOf: TypeError });
    encoder.forget();
    t.deepEqual(decoded(decoder, encode(encoder, [field('c: d'), field('a: b')])), ['c: d', 'a: b']);
  }
});

const anyName = fc.oneof(
  fc.constantFrom(':authority', ':path', 'authorization', 'apns-id', 'apns-topic', 'date', 'x'),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
);
const anyValue = fc.oneof(
  fc.constantFrom('', 'POST', '/', 'a', 'b'),
  fc
    .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 300 })
    .map((octets) => String.fromCharCode(...octets.filter((octet) => octet !== 0x7f)).trim()),
);
const anyField: fc.Arbitrary<HeaderField> = fc.record({
  name: anyName,
  value: anyValue,
  indexing: fc.constantFrom<Indexing>('field', 'name', 'never'),
});
const anySize = fc.constantFrom(0, 33, 64, 100, 200, 1000, 4096, 65_536);
const anyBlocks = fc.array(fc.tuple(fc.array(anySize, { maxLength: 3 }), fc.array(anyField, { maxLength: 12 })), {
  maxLength: 30,
});

test('whatever is encoded, through all sizes of the table, is decoded as it was', (t) => {
  fc.assert(
    fc.property(anyBlocks, (blocks) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(65_536);
      for (const [sizes, fields] of blocks) {
        for (const size of sizes) encoder.limit(size);
        const said = fields.map(({ name, value }) => `${name}: ${value}`);
        if (decoded(decoder, encode(encoder, fields)).join('\n') !== said.join('\n')) return false;
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.pass();
});
