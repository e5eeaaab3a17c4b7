import { Socket } from 'node:net';
import test from 'ava';
import { linesOf } from '../../src/sip/header-lines.js';
import { type PlainRequest, plainRequest } from '../../src/sip/plain-request.js';
import { responseTo, SentRequest } from '../../src/sip/sent-request.js';
import { sipFrame } from '../../src/sip/sip-frame.js';

const META = 'network|300|udp|192.0.2.1|5070|12:00:00.000000';
const frameOf = (raw: string, { meta = META, transaction = 'tx1', dialog = '' } = {}): string =>
  `7f1c|sip|${meta}|${transaction}|${dialog}|192.0.2.9|5060|\r\n${raw}`;
const requestIn = (text: string, socket = new Socket()): PlainRequest | undefined => {
  const frame = sipFrame(text);
  return frame && plainRequest(frame, socket);
};
const MESSAGE =
  'MESSAGE sip:2001@corp.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa\r\nf: <sip:1001@corp.example>;tag=1\r\n' +
  'To: <sip:2001@corp.example>\r\nCall-ID: a@b\r\nCSeq: 1 MESSAGE\r\n';

test('a request outside a dialog is taken as it stands, with who sent it and what its answer takes over', (t) => {
  const socket = new Socket();
  const req = requestIn(frameOf(`${MESSAGE}Content-Length: 5\r\n\r\nhello`), socket);
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
  const bodyOf = (rest: string): string | undefined => requestIn(frameOf(MESSAGE + rest))?.msg.body;
  t.is(bodyOf('Content-Length: 4\r\n\r\näöü'), 'äö');
  t.is(bodyOf('Content-Length: 6\r\n\r\näöü'), 'äöü');
  t.is(bodyOf('Content-Length: 0\r\n\r\nrest'), '');
  t.is(bodyOf('l: 2\r\n\r\nrest'), 're');
  t.is(bodyOf('\r\nrest'), 'rest');
  t.is(bodyOf('Content-Length: many\r\n\r\nrest'), 'rest');
});

test('a request inside a dialog names it; after slim nothing that is read is kept', (t) => {
  const text = MESSAGE.replaceAll('MESSAGE', 'INVITE');
  t.is(requestIn(frameOf(`${text}\r\n`))?.stackDialogId, undefined);
  const req = requestIn(frameOf(`${text}\r\n`, { dialog: 'a@b;from-tag=1' }));
  t.like(req, { method: 'INVITE', stackDialogId: 'a@b;from-tag=1' });
  const before = req?.msg.lines;
  t.is(req?.msg.lines, before);
  req?.msg.slim();
  t.not(req?.msg.lines, before);
  t.deepEqual(req?.msg.lines, before);
  t.is(req?.res.msg.headers, req?.res.msg.headers);
});

test('what srf finds an earlier INVITE for, responses and what the engine itself did are no plain requests', (t) => {
  for (const method of ['CANCEL', 'UPDATE', 'PRACK', 'message', 'SIP/2.0']) {
    t.is(requestIn(frameOf(`${MESSAGE.replaceAll('MESSAGE', method)}\r\n`)), undefined, method);
  }
  t.is(requestIn(frameOf('SIP/2.0 200 OK\r\n\r\n')), undefined);
  for (const frame of [
    frameOf(`${MESSAGE}\r\n`, { meta: META.replace('network', 'application') }),
    frameOf(`${MESSAGE}\r\n`, { transaction: '' }),
    `7f1c|sip|${META}|tx1\r\n${MESSAGE}\r\n`,
    '7f1c|response|1|OK',
    '7f1c|response|1|OK|network|300|udp|192.0.2.1|5070|12:00:00.000000|tx1|\r\nMESSAGE sip:a@b SIP/2.0\r\n\r\n',
    '',
  ]) {
    t.is(sipFrame(frame), undefined, frame);
  }
});

test('a response belongs to the request that was sent, with or without a reason and a dialog', (t) => {
  const socket = new Socket();
  const sent = new SentRequest('BYE', 'sip:a@b', 'BYE sip:a@b SIP/2.0\r\nCall-ID: a@b\r\n\r\n', 'tx1', socket);
  t.is(sent.get('call-id'), 'a@b');
  const answer = (start: string, dialog = ''): ReturnType<typeof responseTo> => {
    const frame = sipFrame(frameOf(`${start}\r\nContent-Length: 2\r\n\r\nok`, { dialog }));
    return frame && responseTo(sent, frame, socket);
  };
  const busy = answer('SIP/2.0 486 Busy Here', 'a@b;from-tag=1');
  t.like(busy, { status: 486, reason: 'Busy Here', stackDialogId: 'a@b;from-tag=1', req: sent, socket });
  t.is(busy?.msg.body, 'ok');
  t.like(answer('SIP/2.0 200 '), { status: 200, reason: '', stackDialogId: undefined });
  t.like(answer('SIP/2.0 200'), { status: 200, reason: '' });
  t.is(answer('SIP/2.0 many'), undefined);
});
