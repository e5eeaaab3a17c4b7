import test from 'ava';
import fc from 'fast-check';
import { FrameDecoder, FrameError, FrameWriter, MAX_FRAME } from '../../../src/engine/control/frame.js';

function decodeAll(decoder: FrameDecoder, chunks: Buffer[]): string[] {
  const messages: string[] = [];
  for (const chunk of chunks) decoder.push(chunk, (message) => messages.push(message.toString()));
  return messages;
}

function written(...messages: [head: string, tail?: Buffer][]): Buffer {
  const writer = new FrameWriter();
  for (const message of messages) writer.add(...message);
  return writer.take();
}

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const bounds = [0, ...sorted, bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
}

test('frames survive every way of splitting and joining the stream', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1 }),
      fc.array(fc.nat()),
      (texts, places) => {
        const stream = written(...texts.map((text): [string] => [text]));
        t.deepEqual(decodeAll(new FrameDecoder(), cut(stream, places)), texts);
      },
    ),
  );
  t.pass();
});

test('any bytes either decode or are refused, and never grow what is held', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
      const decoder = new FrameDecoder(100);
      try {
        for (const chunk of chunks)
          decoder.push(Buffer.from(chunk), (message) => t.true(message.length > 0 && message.length <= 100));
      } catch (error) {
        t.true(error instanceof FrameError);
      }
    }),
  );
  t.pass();
});

test('head and body of one frame are counted in bytes', (t) => {
  t.is(written(['é|x\r\n', Buffer.from('ü')]).toString(), '8#é|x\r\nü');
});

test('frames that were taken stay as they are while more are written', (t) => {
  const writer = new FrameWriter();
  const texts = Array.from({ length: 300 }, (_, i) => String(i).repeat(1 + ((i * 37) % 900)));
  const taken: Buffer[] = [];
  for (const [i, text] of texts.entries()) {
    t.true(writer.add(text.slice(0, 1), Buffer.from(text.slice(1))));
    if (i % 3 === 0) taken.push(writer.take());
  }
  taken.push(writer.take());
  t.is(writer.length, 0);
  t.deepEqual(decodeAll(new FrameDecoder(), taken), texts);
  t.false(writer.add('x'.repeat(MAX_FRAME), Buffer.from('y')));
  t.is(writer.length, 0);
});

test('lengths: five digits at most, not zero, not above the limit', (t) => {
  for (const bytes of ['#', 'x', '1x#', '123456#', '0#', '00000#', `${MAX_FRAME + 1}#`, ' 1#a']) {
    t.throws(() => decodeAll(new FrameDecoder(), [Buffer.from(bytes)]), { instanceOf: FrameError }, bytes);
  }
  const largest = 'x'.repeat(MAX_FRAME);
  t.deepEqual(decodeAll(new FrameDecoder(), [written([largest])]), [largest]);
});

test('a limit that is raised while frames come counts from the next frame on', (t) => {
  const decoder = new FrameDecoder(4);
  const got: string[] = [];
  decoder.push(Buffer.from('4#abcd9#123456789'), (message) => {
    got.push(message.toString());
    decoder.limit = 9;
  });
  t.deepEqual(got, ['abcd', '123456789']);
});
