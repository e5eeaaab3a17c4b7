import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import {
  defaultMessageLimits,
  type MessageLimits,
  parseMessage,
  type SipMessage,
  SipParseError,
  SipRequest,
  SipResponse,
} from '../../../src/engine/message/index.js';

const HEAD = [
  'Via: SIP/2.0/UDP h;branch=z9hG4bK1',
  'From: <sip:a@b>;tag=1',
  'To: <sip:c@d>',
  'Call-ID: x',
  'CSeq: 1 OPTIONS',
];

function text(lines: readonly string[], start = 'OPTIONS sip:h SIP/2.0', body = ''): Buffer {
  return Buffer.from(`${[start, ...lines].join('\r\n')}\r\n\r\n${body}`);
}

function fault(data: Buffer, limits?: MessageLimits): SipParseError {
  try {
    parseMessage(data, limits);
  } catch (error) {
    if (error instanceof SipParseError) return error;
    throw error;
  }
  throw new Error('The message was taken');
}

test('a header without Content-Length takes the whole datagram as its body; with it, the rest is left out', (t) => {
  t.is(parseMessage(text(HEAD, undefined, 'body')).body.toString(), 'body');
  t.is(parseMessage(text([...HEAD, 'l: 2'], undefined, 'body')).body.toString(), 'bo');
});

test('empty lines before the start line are skipped', (t) => {
  t.is(parseMessage(Buffer.concat([Buffer.from('\r\n\r\n'), text(HEAD)])).kind, 'request');
});

test('folded lines and blanks around the colon', (t) => {
  const message = parseMessage(text([...HEAD, 'Subject  :  one\r\n two\r\n\t three  ', 'X:\r\n ']));
  t.is(message.get('s'), 'one two three');
  t.is(message.get('X'), '');
});

for (const missing of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
  test(`a message without ${missing} is refused`, (t) => {
    const error = fault(text(HEAD.filter((line) => !line.startsWith(missing))));
    t.is(error.status, 400);
    t.is(error.reason, `Missing ${missing} header`);
    t.is(error.request !== undefined, missing !== 'Via', 'can be answered');
  });
}

for (const name of ['From: <sip:a@b>;tag=1', 'To: <sip:c@d>', 'Call-ID: x', 'CSeq: 1 OPTIONS']) {
  test(`twice the same is refused: ${name}`, (t) => {
    t.regex(fault(text([...HEAD, name])).reason, /^More than one /);
  });
}

for (const [line, reason] of [
  ['No colon here', /colon/],
  ['Bad name: x', /name/],
  [': x', /name/],
  ['X: a\rb', /control/],
  ['X: a\nb', /control/],
  ['Content-Length: -1', /Content-Length/],
  ['Content-Length: 1x', /Content-Length/],
  ['Content-Length: 5', /beyond/],
  ['Max-Forwards: 256', /Max-Forwards/],
  ['Max-Forwards: x', /Max-Forwards/],
  ['Expires: 4294967296', /Expires/],
  ['Date: Fri, 01 Jan 2010 16:00:00 EST', /GMT/],
  ['Contact: "open <sip:a@b>', /Contact/],
] as const) {
  test(`refused with 400: ${JSON.stringify(line)}`, (t) => {
    const error = fault(text([...HEAD, line]));
    t.is(error.status, 400);
    t.regex(error.reason, reason);
    t.is(error.request?.callId, 'x', 'can be answered');
  });
}

for (const start of [
  'OPTIONS sip:h',
  'OPTIONS',
  '',
  'OPTIONS  sip:h SIP/2.0',
  'OPTIONS sip:h SIP/2.0 ',
  'OPT(IONS sip:h SIP/2.0',
  'OPTIONS <sip:h> SIP/2.0',
  'OPTIONS sip:a b SIP/2.0',
  'OPTIONS sip: SIP/2.0',
  'OPTIONS sip:h?x=y SIP/2.0',
  'OPTIONS sip:h HTTP/1.1',
  'OPTIONS sip:é@h SIP/2.0',
  'OPTIONS sip:a\u00a0b@h SIP/2.0',
  'OPTIONS sip:a\u001b[2J@h SIP/2.0',
]) {
  test(`start line refused with 400: ${JSON.stringify(start)}`, (t) => {
    t.is(fault(text(HEAD, start)).status, 400);
  });
}

test('another version gets 505', (t) => {
  t.is(fault(text(HEAD, 'OPTIONS sip:h SIP/3.0')).status, 505);
});

test('a CSeq that does not fit', (t) => {
  const cseq = (value: string) => [...HEAD.slice(0, 4), `CSeq: ${value}`];
  for (const value of ['1 INVITE', '1', 'OPTIONS', '2147483648 OPTIONS', '-1 OPTIONS', '1 OPTIONS x']) {
    t.is(fault(text(cseq(value))).status, 400, value);
  }
  t.is(parseMessage(text(cseq('2147483647 OPTIONS'))).cseq.number, 2147483647);
});

for (const start of [
  'SIP/2.0 99 x',
  'SIP/2.0 700 x',
  'SIP/2.0 2000 x',
  'SIP/2.0 20 OK',
  'SIP/2.1 200 OK',
  'SIP/2.0 200OK',
]) {
  test(`a bad response is dropped: ${start}`, (t) => {
    t.is(fault(text(HEAD, start)).request, undefined);
  });
}

test('a bad ACK is not answered', (t) => {
  t.is(fault(text([...HEAD.slice(0, 4), 'CSeq: 1 INVITE'], 'ACK sip:h SIP/2.0')).request, undefined);
});

test('limits', (t) => {
  const limits = { messageBytes: 400, headBytes: 300, headers: 8, headerBytes: 100 };
  t.is(parseMessage(text(HEAD), limits).kind, 'request');
  t.is(fault(text([...HEAD, 'A: 1', 'B: 2', 'C: 3', 'D: 4']), limits).status, 513);
  t.is(fault(text([...HEAD, `A: ${'x'.repeat(100)}`]), limits).status, 513);
  t.is(fault(text([...HEAD, `A: ${'x'.repeat(90)}`, `B: ${'x'.repeat(90)}`]), limits).status, 513);
  t.is(fault(text(HEAD, undefined, 'x'.repeat(400)), limits).status, 513);
});

test('a message that breaks off before its empty line is refused, and answered if it can be', (t) => {
  const whole = text(HEAD);
  t.regex(fault(whole.subarray(0, -2)).reason, /end/);
  t.is(fault(Buffer.alloc(0)).status, 400);
});

test('long runs of blanks, folds and signs take no time to speak of', (t) => {
  const limits = { messageBytes: 4e6, headBytes: 4e6, headers: 10, headerBytes: 4e6 };
  const long = 500_000;
  for (const filler of [' ', '\t', '\r\n ', ';', ',', '"', '<', ':', '\\', '%']) {
    const run = filler.repeat(long);
    for (const line of [
      `X: a${run}b`,
      `X: a\r\n ${run}b`,
      `Contact: a${run}b`,
      `Via: SIP/2.0/UDP h${run}x`,
      `l${run}: 0`,
    ]) {
      try {
        parseMessage(text([line, ...HEAD]), limits);
      } catch (error) {
        if (!(error instanceof SipParseError)) t.fail(String(error));
      }
    }
  }
  t.pass();
});

test('any bytes give a message or a SipParseError', (t) => {
  const piece = fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    ':',
    ' ',
    'Via',
    'SIP/2.0',
    'OPTIONS sip:h SIP/2.0',
    ...HEAD,
    '"',
    '<',
    '>',
    ';',
    ',',
    '\0',
  );
  const soup = fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(
      fc.oneof(
        soup,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (data) => {
        try {
          parseMessage(data);
        } catch (error) {
          t.true(error instanceof SipParseError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a good message with any byte changed gives a message or a SipParseError', (t) => {
  const good = text([...HEAD, 'Contact: "A" <sip:a@b>;q=0.1', 'Content-Length: 4'], undefined, 'body');
  for (let at = 0; at < good.length; at++) {
    for (const byte of [0, 9, 10, 13, 32, 34, 44, 58, 59, 60, 62, 255]) {
      const bad = Buffer.from(good);
      bad[at] = byte;
      try {
        parseMessage(bad);
      } catch (error) {
        if (!(error instanceof SipParseError)) t.fail(`${at} ${byte} ${String(error)}`);
      }
    }
  }
  t.pass();
});

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/);
const value = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  .map((raw) => raw.replace(/[\r\n]/g, ' ').trim())
  .filter((raw) => raw === raw.trim());

/** Messages with headers of any name and value, and bodies of any bytes. */
const messages: fc.Arbitrary<SipMessage> = fc
  .record({
    method: token,
    status: fc.option(fc.integer({ min: 100, max: 699 })),
    reason: value,
    number: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    display: value,
    tag: token,
    extra: fc.array(
      fc.tuple(
        token.map((name) => `X-${name}`),
        value,
      ),
      { maxLength: 10 },
    ),
    body: fc.uint8Array({ maxLength: 100 }),
  })
  .map((parts) => {
    const message =
      parts.status === null ? new SipRequest(parts.method, 'sip:a@b;x=y') : new SipResponse(parts.status, parts.reason);
    message
      .add('Via', 'SIP/2.0/TCP h:5070;branch=z9hG4bK1;rport')
      .add('From', `"${parts.display.replace(/["\\]/g, '')}" <sip:a@b>;tag=${parts.tag}`);
    message.add('To', '<sip:c@d>').add('Call-ID', parts.tag).add('CSeq', `${parts.number} ${parts.method}`);
    for (const [name, text] of parts.extra) message.add(name, text);
    message.body = Buffer.from(parts.body);
    return message;
  });

test('what is written is read back as the same message', (t) => {
  fc.assert(
    fc.property(messages, (message) => {
      const data = message.toBuffer();
      const read = parseMessage(data, defaultMessageLimits);
      t.deepEqual(read.toBuffer(), data);
      t.is(read.kind, message.kind);
      t.deepEqual([...read.headers()].slice(0, -1), [...message.headers()]);
      t.deepEqual(Buffer.from(read.body), Buffer.from(message.body));
      if (read.kind === 'response' && message.kind === 'response') {
        t.is(read.status, message.status);
        t.is(read.reason, message.reason);
      } else if (read.kind === 'request' && message.kind === 'request') {
        t.is(read.method, message.method);
        t.is(read.uri, message.uri);
      }
    }),
    { numRuns: 300 },
  );
});

const CHANGES: readonly ((message: SipMessage) => unknown)[] = [
  (message) => message.set('Call-ID', 'y'),
  (message) => message.add('X', 'y'),
  (message) => message.prepend('Route', '<sip:r;lr>'),
  (message) => message.remove('call-id'),
  (message) => message.removeFirst('via'),
  (message) => message.replaceFirst('via', 'SIP/2.0/TCP t'),
  (message) => {
    message.body = Buffer.from('other');
  },
  (message) => {
    if (message.kind === 'request') message.uri = 'sip:other';
  },
  (message) => {
    if (!message.has('via')) return;
    message.via.params.set('received', '192.0.2.1');
    message.rewriteVia();
  },
];

test('a message that is written as it came, and then changed, is what it would be without its bytes', (t) => {
  const lines = fc.constantFrom(
    'Subject: a',
    'Subject:',
    'subject : b',
    'X:  c',
    'Y: d ',
    'Z: e\r\n f',
    'X-Ü: ü',
    'v: SIP/2.0/TCP i',
  );
  const start = fc.constantFrom(
    'OPTIONS sip:h SIP/2.0',
    'OPTIONS sip:h sip/2.0',
    'SIP/2.0 200 OK',
    'SIP/2.0 200',
    'SIP/2.0 200 ',
  );
  const length = fc.constantFrom('Content-Length: 4', 'l: 4', 'Content-Length: 04', 'Content-Length: 3', undefined);
  fc.assert(
    fc.property(start, fc.array(lines), length, fc.array(fc.constantFrom(...CHANGES)), (line, more, told, changes) => {
      const data = text([...more, ...HEAD, ...(told === undefined ? [] : [told])], line, 'body');
      let message: SipMessage;
      try {
        message = parseMessage(data);
      } catch {
        return;
      }
      const rebuilt = message.clone();
      t.deepEqual(message.toBuffer(), rebuilt.toBuffer());
      for (const change of changes) {
        change(message);
        change(rebuilt);
        t.is(message.toBuffer().toString(), rebuilt.toBuffer().toString());
      }
    }),
  );
});

test('a message that stands as this side writes it goes on in its own bytes, others are written anew', (t) => {
  const plain = text([...HEAD, 'Content-Length: 4'], undefined, 'body');
  t.is(parseMessage(plain).toBuffer(), plain);
  for (const lines of [
    [...HEAD, 'Content-Length:  4'],
    ['Subject : a', ...HEAD, 'l: 4'],
    [...HEAD, 'X: a\r\n b', 'l: 4'],
    HEAD,
  ]) {
    const data = text(lines, undefined, 'body');
    t.not(parseMessage(data).toBuffer(), data);
  }
});
