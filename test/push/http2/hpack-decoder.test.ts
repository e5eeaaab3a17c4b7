import test from 'ava';
import { ConnectionError, ErrorCode } from '../../../src/push/http2/codes.js';
import { type DecodedField, HpackDecoder } from '../../../src/push/http2/hpack-decoder.js';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');

function decode(decoder: HpackDecoder, hex: string): DecodedField[] {
  const fields: DecodedField[] = [];
  const block = bytesOf(hex);
  decoder.decode(block, 0, block.length, { take: (field) => void fields.push(field) });
  return fields;
}

const lines = (fields: readonly DecodedField[]): string[] => fields.map(({ name, value }) => `${name}: ${value}`);

const FIRST = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const SECOND = [...FIRST, 'cache-control: no-cache'];
const THIRD = [':method: GET', ':scheme: https', ':path: /index.html', FIRST[3], 'custom-key: custom-value'];
const ANSWER = (status: number, second: number) => [
  `:status: ${status}`,
  'cache-control: private',
  `date: Mon, 21 Oct 2013 20:13:${second} GMT`,
  'location: https://www.example.com',
];
const LAST_ANSWER = [
  ...ANSWER(200, 22),
  'content-encoding: gzip',
  'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
];

/** RFC 7541 appendix C: blocks that follow each other, the table's size, and what they say. */
const vectors: readonly [
  string,
  number,
  readonly (readonly [hex: string, lines: readonly (string | undefined)[]])[],
][] = [
  [
    'C.2.1',
    4096,
    [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key: custom-header']]],
  ],
  ['C.2.2', 4096, [['040c 2f73 616d 706c 652f 7061 7468', [':path: /sample/path']]]],
  ['C.2.3', 4096, [['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password: secret']]]],
  ['C.2.4', 4096, [['82', [':method: GET']]]],
  [
    'C.3, without Huffman codes',
    4096,
    [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', FIRST],
      ['8286 84be 5808 6e6f 2d63 6163 6865', SECOND],
      ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', THIRD],
    ],
  ],
  [
    'C.4, with Huffman codes',
    4096,
    [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', FIRST],
      ['8286 84be 5886 a8eb 1064 9cbf', SECOND],
      ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', THIRD],
    ],
  ],
  [
    'C.5, answers over a table of 256 octets',
    256,
    [
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120
        474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        ANSWER(302, 21),
      ],
      ['4803 3330 37c1 c0bf', ANSWER(307, 21)],
      [
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
        6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
        2076 6572 7369 6f6e 3d31`,
        LAST_ANSWER,
      ],
    ],
  ],
  [
    'C.6, the same with Huffman codes',
    256,
    [
      [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
        8f0b 97c8 e9ae 82ae 43d3`,
        ANSWER(302, 21),
      ],
      ['4883 640e ffc1 c0bf', ANSWER(307, 21)],
      [
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
        dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
        LAST_ANSWER,
      ],
    ],
  ],
];

for (const [name, size, blocks] of vectors) {
  test(`RFC 7541 ${name}`, (t) => {
    const decoder = new HpackDecoder(size);
    for (const [hex, said] of blocks) t.deepEqual(lines(decode(decoder, hex)), [...said]);
  });
}

const errors: readonly [string, string, RegExp][] = [
  ['index 0', '80', /index 0/],
  ['an index that is in no table', 'be', /index 62/],
  ['the name of an entry that is in no table', '7f 00 01 61', /index 63/],
  ['an integer that ends too early', 'ff', /within an integer/],
  ['an integer that never ends', 'ff 80 80 80 80 80 80 80 80 00', /above all bounds/],
  ['an integer above 28 bits', 'ff ff ff ff ff 7f', /above all bounds/],
  ['a string that is missing', '40', /before a string/],
  ['a value that is missing', '40 01 61', /before a string/],
  ['a string that is longer than its block', '40 05 61 62', /longer than its block/],
  ['a length above its block', '40 7f ff ff 7f', /longer than its block/],
  ['EOS in a Huffman code', '40 84 ff ff ff fc 01 61', /no Huffman/],
  ['a padding of eight bits', '40 82 1f ff 01 61', /no Huffman/],
  ['a padding that is not of ones', '40 81 18 01 61', /no Huffman/],
  ['a table that is larger than allowed', '3f e2 1f', /a table of 4097/],
  ['a size update after a field', '82 20', /after a field/],
];

for (const [name, hex, words] of errors) {
  test(`COMPRESSION_ERROR: ${name}`, (t) => {
    const error = t.throws(() => decode(new HpackDecoder(4096), hex), { instanceOf: ConnectionError });
    t.is(error?.code, ErrorCode.COMPRESSION_ERROR);
    t.regex(error?.message ?? '', words);
  });
}

test('a size update evicts, and may come twice before the first field', (t) => {
  const decoder = new HpackDecoder(4096);
  decode(decoder, '40 01 61 01 62');
  t.deepEqual(lines(decode(decoder, 'be')), ['a: b']);
  t.deepEqual(lines(decode(decoder, '20 3f e1 1f 82')), [':method: GET']);
  t.throws(() => decode(decoder, 'be'));
});

test('an entry larger than the table empties it', (t) => {
  const decoder = new HpackDecoder(64);
  decode(decoder, '40 01 61 01 62');
  t.deepEqual(lines(decode(decoder, `40 01 61 28 ${'63'.repeat(40)}`)), [`a: ${'c'.repeat(40)}`]);
  t.throws(() => decode(decoder, 'be'));
});

const flaws: readonly [string, string, DecodedField['flaw']][] = [
  ['upper case in a name', '00 01 41 01 62', 'name'],
  ['an empty name', '00 00 01 62', 'name'],
  ['a colon in a name', '00 03 61 3a 62 01 62', 'name'],
  ['a line break in a name', '00 02 61 0a 01 62', 'name'],
  ['an octet above 127 in a name', '00 01 e9 01 62', 'name'],
  ['a line break in a value', '00 01 61 03 62 0d 63', 'value'],
  ['NUL in a value', '00 01 61 01 00', 'value'],
  ['a blank before a value', '00 01 61 02 20 62', 'value'],
  ['a tab after a value', '00 01 61 02 62 09', 'value'],
  ['nothing: an octet above 127 in a value', '00 01 61 01 e9', undefined],
  ['nothing: a colon first', '00 02 3a 61 01 62', undefined],
  ['nothing: an empty value', '00 01 61 00', undefined],
];

test('octets that no field may have are told, also when the table gives them again', (t) => {
  for (const [name, hex, flaw] of flaws) {
    const decoder = new HpackDecoder(4096);
    const [literal] = decode(decoder, hex);
    t.is(literal?.flaw, flaw, name);
    decode(decoder, `4${hex.slice(1)}`);
    const [indexed] = decode(decoder, 'be');
    t.is(indexed?.flaw, flaw, `${name}, indexed`);
    const [named] = decode(decoder, '7e 01 62');
    t.is(named?.flaw, flaw === 'name' ? 'name' : undefined, `${name}, its name indexed`);
  }
});
