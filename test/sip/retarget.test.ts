import test from 'ava';
import { allHeaders, type HeaderLines } from '../../src/sip/header-lines.js';
import { retargeted } from '../../src/sip/retarget.js';

const TO = { from: 'sip:2001@corp.example', status: 480, to: 'sip:+4917@192.0.2.10:5060' };
const history = (lines: HeaderLines) => allHeaders(retargeted(lines, TO), 'history-info');

test('a call that has no history gets one of two targets, the old one with the reason (RFC 7044)', (t) => {
  t.deepEqual(history([]), [
    '<sip:2001@corp.example?Reason=SIP%3Bcause%3D480>;index=1',
    '<sip:+4917@192.0.2.10:5060>;index=1.1;mp=1',
  ]);
});

test('history that came is kept and gone on with', (t) => {
  const came: HeaderLines = [
    ['History-Info', '<sip:hunt@corp.example>;index=1, <sip:other@corp.example>;index=1.1;mp=1'],
    ['X-Site', 'a'],
  ];
  t.deepEqual(history(came), [
    '<sip:hunt@corp.example>;index=1',
    '<sip:other@corp.example>;index=1.1;mp=1',
    '<sip:2001@corp.example?Reason=SIP%3Bcause%3D480>;index=1.1.1',
    '<sip:+4917@192.0.2.10:5060>;index=1.1.1.1;mp=1.1.1',
  ]);
  t.deepEqual(allHeaders(retargeted(came, TO), 'x-site'), ['a']);
});

test('an entry of the old target is not told twice', (t) => {
  t.deepEqual(history([['history-info', '<sip:2001@corp.example;user=phone>;index=1']]), [
    '<sip:2001@corp.example?Reason=SIP%3Bcause%3D480>;index=1',
    '<sip:+4917@192.0.2.10:5060>;index=1.1;mp=1',
  ]);
});

test('the latest diversion stands on top (RFC 5806)', (t) => {
  const lines: HeaderLines = [['Diversion', '<sip:4000@corp.example>;reason=no-answer']];
  t.deepEqual(allHeaders(retargeted(lines, TO), 'diversion'), [
    '<sip:2001@corp.example>;reason=unavailable;counter=1',
    '<sip:4000@corp.example>;reason=no-answer',
  ]);
});
