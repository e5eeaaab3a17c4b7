import test from 'ava';
import fc from 'fast-check';
import { decodedRoom, decodeHuffman } from '../../../src/push/http2/huffman.js';

function decode(bytes: Buffer): string | undefined {
  const into = Buffer.alloc(decodedRoom(bytes.length));
  const length = decodeHuffman(bytes, 0, bytes.length, into);
  return length < 0 ? undefined : into.toString('latin1', 0, length);
}

const fromBits = (bits: string): Buffer =>
  Buffer.from(
    bits
      .padEnd(Math.ceil(bits.length / 8) * 8, '1')
      .match(/.{8}/g)
      ?.map((octet) => Number.parseInt(octet, 2)) ?? [],
  );

/** Some of RFC 7541 appendix B: the first and the last code of most lengths. */
const codes: readonly [octet: number, code: number, length: number][] = [
  [48, 0x0, 5],
  [116, 0x9, 5],
  [32, 0x14, 6],
  [117, 0x2d, 6],
  [58, 0x5c, 7],
  [122, 0x7b, 7],
  [38, 0xf8, 8],
  [90, 0xfd, 8],
  [33, 0x3f8, 10],
  [63, 0x3fc, 10],
  [39, 0x7fa, 11],
  [35, 0xffa, 12],
  [0, 0x1ff8, 13],
  [126, 0x1ffd, 13],
  [94, 0x3ffc, 14],
  [60, 0x7ffc, 15],
  [92, 0x7fff0, 19],
  [128, 0xfffe6, 20],
  [153, 0x1fffdc, 21],
  [129, 0x3fffd2, 22],
  [1, 0x7fffd8, 23],
  [9, 0xffffea, 24],
  [199, 0x1ffffec, 25],
  [192, 0x3ffffe0, 26],
  [203, 0x7ffffde, 27],
  [2, 0xfffffe2, 28],
  [249, 0xffffffe, 28],
  [10, 0x3ffffffc, 30],
  [22, 0x3ffffffe, 30],
];

test('the codes of appendix B', (t) => {
  for (const [octet, code, length] of codes) {
    const bits = code.toString(2).padStart(length, '0');
    t.is(decode(fromBits(bits)), String.fromCharCode(octet), `octet ${octet}`);
    t.is(decode(fromBits(bits + bits)), String.fromCharCode(octet, octet), `octet ${octet} twice`);
  }
});

test('an empty string, and paddings of up to seven ones', (t) => {
  t.is(decode(Buffer.alloc(0)), '');
  t.is(decode(fromBits('11111')), undefined, 'nothing but padding is eight bits of it');
  t.is(decode(fromBits('00000111')), '0');
  t.is(decode(fromBits('00000110')), undefined);
  t.is(decode(fromBits('00000111 11111111'.replace(' ', ''))), undefined);
});

test('no octets make it fail otherwise or write too much', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      const bytes = Buffer.from(octets);
      const into = Buffer.alloc(decodedRoom(bytes.length) + 4, 0xaa);
      const length = decodeHuffman(bytes, 0, bytes.length, into);
      return length <= decodedRoom(bytes.length) && into.subarray(-4).every((octet) => octet === 0xaa);
    }),
  );
  t.pass();
});
