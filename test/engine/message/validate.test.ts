import test from 'ava';
import fc from 'fast-check';
import { parseMessage } from '../../../src/engine/message/index.js';
import { parseUri } from '../../../src/grammar/uri.js';

function takes(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

function messageTo(uri: string): Buffer {
  return Buffer.from(
    `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <${uri}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`,
  );
}

const part = fc.oneof(
  fc.constantFrom(
    '',
    'sip',
    'sips',
    'bob',
    'a.b+c',
    '192.0.2.1',
    '[2001:db8::1]',
    '5060',
    '0',
    '65535',
    '65536',
    '99999',
  ),
  fc.constantFrom(':', '@', ';', '?', '=', '.', '-', '_', '%', ' ', '&', '/', 'é', ';lr', ';transport=tcp'),
);
const uri = fc.oneof(
  fc.array(part, { maxLength: 8 }).map((parts) => `sip:${parts.join('')}`),
  fc.tuple(fc.constantFrom('sip', 'sips'), part, part, part).map(([scheme, a, b, c]) => `${scheme}:${a}@${b}:${c}`),
);

test('a SIP URI in To is taken if it can be parsed, and only then', (t) => {
  fc.assert(
    fc.property(uri, (text) => {
      t.is(
        takes(() => parseMessage(messageTo(text))),
        takes(() => parseUri(text)),
        text,
      );
    }),
    { numRuns: 2000 },
  );
});
