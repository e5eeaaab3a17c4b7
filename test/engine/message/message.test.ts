import test from 'ava';
import {
  addToTag,
  createResponse,
  formatVia,
  parseMessage,
  parseVia,
  reasonPhrase,
  SipRequest,
  SipResponse,
} from '../../../src/engine/message/index.js';
import { GrammarError } from '../../../src/grammar/error.js';

function invite(): SipRequest {
  return new SipRequest('INVITE', 'sip:2001@corp.example')
    .add('Via', 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1, SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK2')
    .add('v', 'SIP/2.0/TLS 192.0.2.3;branch=z9hG4bK3')
    .add('Max-Forwards', '70')
    .add('From', '"Ann" <sip:1001@corp.example>;tag=a')
    .add('To', '<sip:2001@corp.example>')
    .add('Call-ID', 'c1')
    .add('CSeq', '4 INVITE');
}

test('headers are read by any spelling of their name', (t) => {
  const request = invite();
  t.is(request.get('call-id'), 'c1');
  t.is(request.get('I'), 'c1');
  t.is(request.all('VIA').length, 2);
  t.is(request.list('via').length, 3);
  t.true(request.has('t'));
  t.false(request.has('Route'));
  t.is(request.get('Route'), undefined);
});

test('typed headers', (t) => {
  const request = invite();
  t.like(request.via, { protocol: 'UDP', host: '192.0.2.1', port: 5060, branch: 'z9hG4bK1' });
  t.deepEqual(request.cseq, { number: 4, method: 'INVITE' });
  t.is(request.from.display, 'Ann');
  t.is(request.fromTag, 'a');
  t.is(request.toTag, undefined);
  t.is(request.maxForwards, 70);
  t.is(request.callId, 'c1');
  t.is(request.parsedUri.user, '2001');
});

test('typed headers follow changes', (t) => {
  const request = invite();
  void [request.via, request.cseq, request.from, request.to, request.parsedUri];
  request.prepend('Via', 'SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK9');
  request.set('CSeq', '5 BYE').set('From', '<sip:x@y>').set('To', '<sip:x@y>;tag=b');
  request.uri = 'sip:other@h';
  t.is(request.via.branch, 'z9hG4bK9');
  t.is(request.cseq.number, 5);
  t.is(request.fromTag, undefined);
  t.is(request.toTag, 'b');
  t.is(request.parsedUri.user, 'other');
});

test('set replaces in place, with one value or several; add appends; prepend goes before its kind; remove removes all', (t) => {
  const request = new SipRequest('OPTIONS', 'sip:h').add('X-A', '1').add('X-B', '2').add('X-A', '3').add('X-C', '4');
  request.set('x-a', ['x', 'y', 'z']).set('X-B', 'w').set('X-D', 'v').prepend('X-C', '0').prepend('X-E', 'top');
  t.deepEqual(
    [...request.headers()].map(([name, value]) => `${name}:${value}`),
    ['X-E:top', 'x-a:x', 'x-a:y', 'x-a:z', 'X-B:w', 'X-C:0', 'X-C:4', 'X-D:v'],
  );
  t.true(request.remove('X-A'));
  t.false(request.remove('X-A'));
  request.set('X-B', []);
  t.deepEqual(
    [...request.headers()].map(([name]) => name),
    ['X-E', 'X-C', 'X-C', 'X-D'],
  );
});

test('removeFirst pops one value at a time', (t) => {
  const request = invite();
  t.is(request.removeFirst('Via'), 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1');
  t.is(request.via.branch, 'z9hG4bK2');
  t.is(request.removeFirst('Via'), 'SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK2');
  t.is(request.removeFirst('Via'), 'SIP/2.0/TLS 192.0.2.3;branch=z9hG4bK3');
  t.is(request.removeFirst('Via'), undefined);
});

test('a line break in a value, URI or reason starts no header', (t) => {
  const request = invite()
    .add('Subject', 'a\r\nEvil: 1')
    .set('User-Agent', 'b\nEvil: 2')
    .prepend('Server', 'c\rEvil: 3');
  request.uri = 'sip:x\r\nEvil:4';
  t.false(
    request
      .toString()
      .split('\r\n')
      .some((line) => line.startsWith('Evil')),
  );
  t.notRegex(new SipResponse(200, 'OK\r\nEvil: 1').toString(), /^Evil/m);
});

test('a message is written as it stands, with a Content-Length that is right', (t) => {
  const request = new SipRequest('MESSAGE', 'sip:h').add('X-Y', 'é').add('l', '999').add('Content-Length', '1');
  request.body = Buffer.from('grüße');
  t.is(request.toString(), 'MESSAGE sip:h SIP/2.0\r\nX-Y: é\r\nContent-Length: 7\r\n\r\ngrüße');
  t.deepEqual(request.toBuffer(), Buffer.from(request.toString()));
  t.is(new SipResponse(180).toString(), 'SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n');
});

test('bytes that are no UTF-8 leave as they came', (t) => {
  const data = Buffer.from(
    'SIP/2.0 200 \xff\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\nX: \xfe\xe9\r\nContent-Length: 0\r\n\r\n',
    'latin1',
  );
  const message = parseMessage(data);
  t.deepEqual(message.toBuffer(), data);
  t.deepEqual(message.clone().toBuffer(), data);
});

test('a clone is independent', (t) => {
  const request = invite();
  const copy = request.clone();
  copy.set('Call-ID', 'c2').uri = 'sip:other';
  t.is(request.callId, 'c1');
  t.is(request.uri, 'sip:2001@corp.example');
  const response = createResponse(request, 200);
  response.clone().set('To', 'x');
  t.is(response.toTag, undefined);
});

test('a response copies what RFC 3261 section 8.2.6.2 says', (t) => {
  const request = invite().add('Timestamp', '54').add('Record-Route', '<sip:p;lr>');
  const trying = createResponse(request, 100, undefined, 'mine');
  t.deepEqual(trying.list('via'), request.list('via'));
  t.is(trying.get('To'), '<sip:2001@corp.example>', 'a 100 gets no tag');
  t.is(trying.get('Timestamp'), '54');
  const ringing = createResponse(request, 180, undefined, 'mine');
  t.is(ringing.reason, 'Ringing');
  t.is(ringing.toTag, 'mine');
  t.is(ringing.get('From'), request.get('From'));
  t.is(ringing.callId, 'c1');
  t.deepEqual(ringing.cseq, request.cseq);
  t.false(ringing.has('Timestamp'));
  t.false(ringing.has('Record-Route'));
});

test('a To tag that is there stays; a bare URI gets brackets', (t) => {
  t.is(createResponse(invite().set('To', '<sip:a@b>;tag=old'), 200, undefined, 'new').toTag, 'old');
  t.is(createResponse(invite().set('To', 'sip:a@b;x=1'), 200, undefined, 'new').get('To'), '<sip:a@b>;x=1;tag=new');
  const broken = createResponse(invite().set('To', '"broken'), 400, undefined, 'new');
  addToTag(broken, 'new');
  t.is(broken.get('To'), '"broken');
});

test('reason phrases', (t) => {
  t.deepEqual([200, 480, 555, 299, 499, 699].map(reasonPhrase), [
    'OK',
    'Temporarily Unavailable',
    'Push Notification Service Not Supported',
    'OK',
    'Client Error',
    'Global Failure',
  ]);
});

for (const [text, host, port] of [
  ['SIP/2.0/UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa', 'first.example.com', 4000],
  ['SIP / 2.0 / TCP h : 5062 ; branch = z9hG4bKa', 'h', 5062],
  ['SIP/2.0/TLS [2001:DB8::1] : 5063;branch=z9hG4bKa', '[2001:db8::1]', 5063],
  ['SIP/2.0/TLS [2001:db8::1] ;branch=z9hG4bKa', '[2001:db8::1]', undefined],
  ['SIP/2.0/sctp 192.0.2.1\t;branch=z9hG4bKa', '192.0.2.1', undefined],
] as const) {
  test(`Via: ${text}`, (t) => {
    const via = parseVia(text);
    t.is(via.host, host);
    t.is(via.port, port);
    t.is(via.branch, 'z9hG4bKa');
    t.is(via.protocol, via.protocol.toUpperCase());
    t.deepEqual(formatVia(parseVia(formatVia(via))), formatVia(via));
  });
}

for (const text of [
  '',
  'SIP/2.0/UDP',
  'SIP/2.0/ h',
  'SIP/3.0/UDP h',
  'SIP/2.0/UDP h x',
  'SIP/2.0/UDP h:',
  'SIP/2.0/UDP h:x',
  'SIP/2.0/UDP a b:5060',
]) {
  test(`no Via: ${text}`, (t) => {
    t.throws(() => parseVia(text), { instanceOf: GrammarError });
  });
}

test('a message made small is the same message', (t) => {
  const body = Buffer.from('v=0\r\ns=\xe9\u20ac\r\n');
  const request = invite();
  request.body = body;
  const before = request.toBuffer();
  t.is(request.fromTag, 'a');
  request.compact();
  t.deepEqual(request.toBuffer(), before);
  t.deepEqual(request.body, body);
  t.is(request.fromTag, 'a');
  request.set('From', '<sip:1002@corp.example>;tag=b').add('Subject', 'x');
  t.is(request.fromTag, 'b');
  t.deepEqual(parseMessage(request.clone().toBuffer()).body, body);
});
