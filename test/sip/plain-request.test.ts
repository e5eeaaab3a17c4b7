import { Socket } from 'node:net';
import test from 'ava';
import { linesOf } from '../../src/sip/header-lines.js';
import { plainRequest } from '../../src/sip/plain-request.js';

const META = 'network|300|udp|192.0.2.1|5070|12:00:00.000000';
const frameOf = (raw: string, { meta = META, transaction = 'tx1', dialog = '' } = {}): string =>
  `7f1c|sip|${meta}|${transaction}|${dialog}|192.0.2.9|5060|\r\n${raw}`;
const MESSAGE =
  'MESSAGE sip:2001@corp.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa\r\nf: <sip:1001@corp.example>;tag=1\r\n' +
  'To: <sip:2001@corp.example>\r\nCall-ID: a@b\r\nCSeq: 1 MESSAGE\r\n';

test('a request outside a dialog is taken as it stands, with who sent it and what its answer takes over', (t) => {
  const socket = new Socket();
  const req = plainRequest(frameOf(`${MESSAGE}Content-Length: 5\r\n\r\nhello`), socket);
  t.like(req, {
    method: 'MESSAGE',
    uri: 'sip:2001@corp.example',
    source: 'network',
    source_address: '192.0.2.1',
    source_port: 5070,
    protocol: 'udp',
    stackTxnId: 'tx1',
    socket,
  });
  t.is(req?.msg.body, 'hello');
  t.is(req && linesOf(req.msg), req?.msg.lines);
  t.deepEqual(req?.res.msg.headers, {
    'call-id': 'a@b',
    cseq: '1 MESSAGE',
    from: '<sip:1001@corp.example>;tag=1',
    to: '<sip:2001@corp.example>',
  });
  t.false(req?.res.finished);
});

test('a body ends where Content-Length says, in bytes; without one, where the message ends', (t) => {
  const bodyOf = (rest: string): string | undefined => plainRequest(frameOf(MESSAGE + rest), new Socket())?.msg.body;
  t.is(bodyOf('Content-Length: 4\r\n\r\näöü'), 'äö');
  t.is(bodyOf('Content-Length: 6\r\n\r\näöü'), 'äöü');
  t.is(bodyOf('Content-Length: 0\r\n\r\nrest'), '');
  t.is(bodyOf('l: 2\r\n\r\nrest'), 're');
  t.is(bodyOf('\r\nrest'), 'rest');
  t.is(bodyOf('Content-Length: many\r\n\r\nrest'), 'rest');
});

test('what belongs to a dialog, other methods, responses and what the engine itself did are left to srf', (t) => {
  const socket = new Socket();
  const invite = MESSAGE.replaceAll('MESSAGE', 'INVITE');
  for (const frame of [
    frameOf(`${MESSAGE}\r\n`, { dialog: 'a@b;from-tag=1' }),
    frameOf(`${invite}\r\n`),
    frameOf(`${MESSAGE.replaceAll('MESSAGE', 'message')}\r\n`),
    frameOf('SIP/2.0 200 OK\r\n\r\n'),
    frameOf(`${MESSAGE}\r\n`, { meta: META.replace('network', 'application') }),
    frameOf(`${MESSAGE}\r\n`, { transaction: '' }),
    '7f1c|response|1|OK',
    '7f1c|response|1|OK|network|300|udp|192.0.2.1|5070|12:00:00.000000|tx1|\r\nMESSAGE sip:a@b SIP/2.0\r\n\r\n',
    '',
  ]) {
    t.is(plainRequest(frame, socket), undefined, frame);
  }
});
