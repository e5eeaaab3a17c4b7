import test from 'ava';
import { endToEnd, headerLines, toRecord } from '../../src/sip/header-lines.js';

const INVITE = [
  'INVITE sip:2001@192.0.2.5:5060 SIP/2.0',
  'v: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1',
  'f: "Desk" <sip:1001@192.0.2.1>;tag=5~1',
  't: <sip:2001@192.0.2.5>',
  'i: 1@192.0.2.1',
  'CSeq: 101 INVITE',
  'm: <sip:1001@192.0.2.1:5060;transport=tcp>',
  'Session-ID: ab30317f1a784dc48f247d1d0f2c2f4b;remote=00000000000000000000000000000000',
  'Cisco-Guid: 3141592653-2718281828-1414213562-1732050807',
  'Remote-Party-ID: "Desk" <sip:1001@192.0.2.1>;party=calling;screen=yes;privacy=off',
  'Call-Info: <urn:x-cisco-remotecc:callinfo>;security= Unknown;orientation= to;',
  '  gci=1-2;isVoip',
  'X-Custom: one, "two',
  'X-Custom: three',
  'k: 100rel,timer',
  'Max-Forwards: 70',
  'c: application/sdp',
  'l: 0',
  '',
  '',
].join('\r\n');

test('what belongs to a hop, a dialog or a transaction stays behind; all else goes on, folded lines made one', (t) => {
  t.deepEqual(endToEnd(headerLines(INVITE), ''), [
    ['Session-ID', 'ab30317f1a784dc48f247d1d0f2c2f4b;remote=00000000000000000000000000000000'],
    ['Cisco-Guid', '3141592653-2718281828-1414213562-1732050807'],
    ['Remote-Party-ID', '"Desk" <sip:1001@192.0.2.1>;party=calling;screen=yes;privacy=off'],
    ['Call-Info', '<urn:x-cisco-remotecc:callinfo>;security= Unknown;orientation= to; gci=1-2;isVoip'],
    ['X-Custom', 'one, "two'],
    ['X-Custom', 'three'],
    ['supported', '100rel,timer'],
  ]);
});

test('Content-Type goes with a body only', (t) => {
  t.true(endToEnd(headerLines(INVITE), 'v=0').some(([name]) => name === 'content-type'));
});

test('repeated fields stay lines of their own, and a value can’t bring in a header of its own', (t) => {
  t.deepEqual(
    toRecord([
      ['X-Custom', 'one, "two'],
      ['x-custom', 'three'],
      ['Subject', 'lunch\r\nVia: evil'],
    ]),
    { 'X-Custom': 'one, "two\r\nx-custom: three' },
  );
});
