import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import { FramingError, StreamFramer } from '../../../src/engine/transport/framer.js';

const LIMITS = { messageBytes: 2000, headBytes: 1000, headers: 100, headerBytes: 500 };

function message(body: string, extra = ''): string {
  return `OPTIONS sip:h SIP/2.0\r\n${extra}Call-ID: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function collect() {
  const out: string[] = [];
  const framer = new StreamFramer(LIMITS, {
    frame: (data) => out.push(data.toString()),
    emptyLine: () => out.push('-'),
  });
  return { out, framer };
}

const STREAM = [message('one'), message(''), message('two\r\n\r\nOPTIONS'), message('é', 'X: content-length: 7\r\n')];

test('messages in one piece', (t) => {
  const { out, framer } = collect();
  framer.push(Buffer.from(STREAM.join('')));
  t.deepEqual(out, STREAM);
  t.false(framer.partial);
});

test('messages byte by byte', (t) => {
  const { out, framer } = collect();
  for (const byte of Buffer.from(STREAM.join('\r\n\r\n'))) framer.push(Buffer.from([byte]));
  t.deepEqual(
    out.filter((text) => text !== '-'),
    STREAM,
  );
  t.is(out.filter((text) => text === '-').length, 6);
});

test('a stream split at every byte gives the same messages', (t) => {
  const whole = Buffer.from(`\r\n\r\n${STREAM.join('\r\n')}`);
  const expected = collect();
  expected.framer.push(whole);
  for (let at = 0; at <= whole.length; at++) {
    const { out, framer } = collect();
    framer.push(whole.subarray(0, at));
    framer.push(whole.subarray(at));
    t.deepEqual(out, expected.out);
  }
});

test('a stream split anywhere any number of times gives the same messages', (t) => {
  const bodies = fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(bodies, fc.array(fc.nat(400), { maxLength: 20 }), (texts, cuts) => {
      const stream = texts.map((text) => message(text));
      const whole = Buffer.from(stream.join(''));
      const { out, framer } = collect();
      let start = 0;
      for (const cut of [...cuts, whole.length].sort((a, b) => a - b)) {
        const end = Math.min(Math.max(cut, start), whole.length);
        framer.push(whole.subarray(start, end));
        start = end;
      }
      t.deepEqual(out, stream);
      t.false(framer.partial);
    }),
  );
});

test('compact, folded and oddly spelled Content-Length', (t) => {
  for (const header of ['l:3', 'CONTENT-LENGTH  :  3 ', 'Content-Length:\r\n 3', 'L :\t3']) {
    const { out, framer } = collect();
    const text = `OPTIONS sip:h SIP/2.0\r\n${header}\r\n\r\nabc`;
    framer.push(Buffer.from(text + text));
    t.deepEqual(out, [text, text], header);
  }
});

test('partial tells of an unfinished message, not of keepalives', (t) => {
  const { framer } = collect();
  framer.push(Buffer.from('\r\n\r'));
  t.false(framer.partial);
  framer.push(Buffer.from('\nO'));
  t.true(framer.partial);
});

for (const [what, text, status] of [
  ['no Content-Length', 'OPTIONS sip:h SIP/2.0\r\nCall-ID: x\r\n\r\n', 400],
  ['a negative Content-Length', 'OPTIONS sip:h SIP/2.0\r\nContent-Length: -1\r\n\r\n', 400],
  ['a Content-Length that is no number', 'OPTIONS sip:h SIP/2.0\r\nContent-Length: 1a\r\n\r\n', 400],
  ['two that differ', 'OPTIONS sip:h SIP/2.0\r\nContent-Length: 3\r\nl: 0\r\n\r\nabc', 400],
  [
    'one that is no number before another',
    'OPTIONS sip:h SIP/2.0\r\nContent-Length: x\r\nContent-Length: 0\r\n\r\n',
    400,
  ],
  ['a body beyond the limit', 'OPTIONS sip:h SIP/2.0\r\nContent-Length: 2001\r\n\r\n', 513],
  ['a head beyond the limit', `OPTIONS sip:h SIP/2.0\r\nX: ${'x'.repeat(1000)}\r\nContent-Length: 0\r\n\r\n`, 513],
  ['a head that never ends', 'x'.repeat(1001), 513],
  ['a stray CR', '\rOPTIONS', 400],
] as const) {
  test(`${what} ends the stream with ${status}, in one piece or byte by byte`, (t) => {
    const whole = collect();
    t.is(t.throws(() => whole.framer.push(Buffer.from(text)), { instanceOf: FramingError })?.status, status);
    const bytes = collect();
    const error = t.throws(
      () => {
        for (const byte of Buffer.from(text)) bytes.framer.push(Buffer.from([byte]));
      },
      { instanceOf: FramingError },
    );
    t.is(error?.status, status);
    t.deepEqual([...whole.out, ...bytes.out], []);
  });
}
