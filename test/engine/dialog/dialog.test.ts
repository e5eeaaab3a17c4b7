import test from 'ava';
import { ContactRegistry } from '../../../src/engine/contact-registry.js';
import { ContactError, parseContact } from '../../../src/engine/contacts.js';
import { Dialog } from '../../../src/engine/dialog/dialog.js';
import { DialogError } from '../../../src/engine/dialog/errors.js';
import { DialogTable } from '../../../src/engine/dialog/table.js';
import { createUacRequest } from '../../../src/engine/dialog/uac-request.js';
import { createResponse, parseMessage, SipRequest } from '../../../src/engine/message/index.js';
import { parseUri } from '../../../src/grammar/uri.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FLOW, request } from './support.js';

function received(text: string): SipRequest {
  const message = parseMessage(Buffer.from(text.replace(/\r?\n/g, '\r\n')));
  if (message.kind !== 'request') throw new Error('not a request');
  return message;
}

const uac = (headers: [string, string][] = [], uri = 'sip:bob@192.0.2.9') =>
  createUacRequest({ method: 'INVITE', uri, headers, body: Buffer.alloc(0) });

test('the callee side: Route set in the order of Record-Route, id as drachtio makes it', (t) => {
  const invite = received(
    request('INVITE', { headers: 'Record-Route: <sip:one;lr>, <sip:two;lr>\nRecord-Route: <sip:three;lr>\n' }),
  );
  const dialog = Dialog.uas(invite, 'mine', FLOW);
  const bye = dialog.createRequest('BYE');
  t.is(dialog.id, 'call-1;from-tag=alice');
  t.deepEqual(bye.list('route'), ['<sip:one;lr>', '<sip:two;lr>', '<sip:three;lr>']);
  t.is(dialog.nextHop(), 'sip:one;lr');
  t.is(bye.uri, 'sip:alice@192.0.2.2:5070');
  t.is(bye.get('from'), '<sip:bob@192.0.2.1>;tag=mine');
  t.is(bye.get('to'), '<sip:alice@192.0.2.2>;tag=alice');
  t.is(dialog.createRequest('INFO').cseq.number, bye.cseq.number + 1);
});

test('the caller side: Route set reversed, target from Contact, both replaced by the 2xx', (t) => {
  const { request: invite } = uac();
  invite.prepend('Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx');
  const ringing = createResponse(invite, 180, undefined, 'theirs').set('Record-Route', [
    '<sip:one;lr>',
    '<sip:two;lr>',
  ]);
  const dialog = Dialog.uac(invite, ringing.set('Contact', '<sip:early@192.0.2.5>'));
  t.deepEqual(dialog.createRequest('PRACK').list('route'), ['<sip:two;lr>', '<sip:one;lr>']);
  dialog.confirm(createResponse(invite, 200, undefined, 'theirs').set('Contact', '<sip:final@192.0.2.6>'));
  const bye = dialog.createRequest('BYE');
  t.is(bye.uri, 'sip:final@192.0.2.6');
  t.false(bye.has('route'));
  t.is(dialog.createRequest('ACK', { cseq: 1 }).get('cseq'), '1 ACK');
});

test('early dialogs of one fork have ids of their own; the answered one gets the plain id', (t) => {
  const { request: invite } = uac([
    ['Call-ID', 'c'],
    ['From', '<sip:a@b>;tag=f'],
  ]);
  invite.prepend('Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx');
  const table = new DialogTable();
  const one = Dialog.uac(invite, createResponse(invite, 180, undefined, 'one'));
  const two = Dialog.uac(invite, createResponse(invite, 180, undefined, 'two'));
  table.add(one);
  table.add(two);
  t.is(one.id, 'c;from-tag=f');
  t.is(two.id, 'c;from-tag=f;to-tag=two');
  table.promote(two, 'c;from-tag=f');
  t.is(table.byId('c;from-tag=f'), two);
  t.is(table.byId('c;from-tag=f;to-tag=two'), two, 'the old id still works');
  t.is(table.byId('c;from-tag=f;to-tag=one'), one);
  table.remove(one);
  table.remove(two);
  t.is(table.byId('c;from-tag=f;to-tag=two'), undefined);
  t.is(table.size, 0);
});

test('a new request: what is missing is filled in', (t) => {
  const { request: invite, nextHop } = uac();
  t.is(nextHop, 'sip:bob@192.0.2.9');
  t.is(invite.get('to'), '<sip:bob@192.0.2.9>');
  t.truthy(invite.fromTag);
  t.is(invite.maxForwards, 70);
  t.is(invite.get('cseq'), '1 INVITE');
  t.is(uac([['CSeq', '12 OPTIONS']]).request.get('cseq'), '12 INVITE');
});

test('headers in the Request-URI: Route and harmless ones, dangerous ones not', (t) => {
  const { request: invite, nextHop } = uac(
    [],
    'sip:bob@192.0.2.9;method=INVITE?Route=%3Csip:e%3Blr%3E&From=%3Csip:evil%3E&Via=x&X-A=1%202&body=hi',
  );
  t.is(invite.uri, 'sip:bob@192.0.2.9');
  t.is(nextHop, 'sip:e;lr');
  t.is(invite.get('route'), '<sip:e;lr>');
  t.false(invite.get('from')?.includes('evil') ?? false);
  t.false(invite.has('via'));
  t.is(invite.get('x-a'), '1 2');
  t.is(invite.body.toString(), 'hi');
  for (const uri of ['sip:a@b?Route=%zz', 'sip:a@b?Route=nonsense', 'sip:', 'http//x']) {
    t.throws(() => uac([], uri), { instanceOf: DialogError }, uri);
  }
});

test('a header line break of a URI header can not make another header', (t) => {
  const { request: invite } = uac([], 'sip:bob@192.0.2.9?X-A=1%0D%0AX-Injected:%20yes');
  t.false(invite.toString().includes('\r\nX-Injected'));
});

test('contacts of the command line', (t) => {
  const brief = (text: string) =>
    parseContact(text).map(({ protocol, address, port }) => `${protocol} ${address} ${port}`);
  t.deepEqual(brief('sip:127.0.0.1:5080;transport=udp,tcp'), ['udp 127.0.0.1 5080', 'tcp 127.0.0.1 5080']);
  t.deepEqual(brief('sip:127.0.0.1'), ['udp 127.0.0.1 5060', 'tcp 127.0.0.1 5060']);
  t.deepEqual(brief('sip:127.0.0.1:0;transport=udp'), ['udp 127.0.0.1 0']);
  t.deepEqual(brief('sip:[::1]:5070;transport=tcp'), ['tcp ::1 5070']);
  t.deepEqual(
    parseContact('sips:192.0.2.1', { key: 'k', cert: 'c' }).map(({ protocol, port }) => [protocol, port]),
    [['tls', 5061]],
  );
  t.deepEqual(parseContact('sip:0.0.0.0;transport=udp;external-ip=203.0.113.5')[0]?.advertise, { host: '203.0.113.5' });
  for (const text of [
    '127.0.0.1',
    'sip:bob@127.0.0.1',
    'tel:1',
    'sip:127.0.0.1;transport=sctp',
    'sips:127.0.0.1',
    'sip:127.0.0.1:99999',
  ]) {
    t.throws(() => parseContact(text), { instanceOf: ContactError }, text);
  }
});

test('registered contacts: found while the connection lives, lost after, forgotten when removed or expired', (t) => {
  const clock = new FakeClock();
  const registry = new ContactRegistry(clock, 2);
  const connection = {
    id: 1,
    protocol: 'tcp' as const,
    alive: true,
    outbound: false,
    verified: false,
    peerNames: [],
    close() {},
  };
  const flow = { ...FLOW, protocol: 'tcp' as const, connection };
  const register = (contact: string, expires = 60): void => {
    const message = new SipRequest('REGISTER', 'sip:x').set('Contact', contact).set('Expires', String(expires));
    message
      .add('Via', 'SIP/2.0/TCP x;branch=z9hG4bKx')
      .add('From', '<sip:a>;tag=1')
      .add('To', '<sip:a>')
      .add('Call-ID', 'c')
      .add('CSeq', '1 REGISTER');
    registry.learn(message, createResponse(message, 200), flow);
  };
  const uri = parseUri('sip:2001@192.168.1.5:50000;transport=tcp');
  register('<sip:2001@192.168.1.5:50000;transport=tcp;ob>');
  t.is(registry.find(uri), flow);
  t.is(registry.find(parseUri('sip:2001@192.168.1.5:50001')), undefined);
  connection.alive = false;
  t.is(registry.find(uri), 'lost');
  clock.advance(60_000);
  t.is(registry.find(uri), undefined);
  connection.alive = true;
  register('<sip:2001@192.168.1.5:50000>');
  register('<sip:2001@192.168.1.5:50000>', 0);
  t.is(registry.find(uri), undefined);
  for (let i = 0; i < 10; i++) register(`<sip:${i}@192.168.1.5>`);
  t.is(registry.size, 2);
});
