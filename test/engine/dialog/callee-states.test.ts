import test from 'ava';
import { Callee } from './callee.js';
import { holds } from './table.js';

const HALF_MINUTE = 64 * 500;

const events = {
  'user: 180': (call: Callee) => call.answer(180),
  'user: 200': (call: Callee) => call.answer(200),
  'user: 486': (call: Callee) => call.answer(486),
  'user: BYE': (call: Callee) => call.send('BYE'),
  'user: INVITE': (call: Callee) => call.send('INVITE'),
  'user: UPDATE': (call: Callee) => call.send('UPDATE'),
  'peer: ACK': (call: Callee) => call.ack(),
  'peer: CANCEL': (call: Callee) => call.cancel(),
  'peer: PRACK': (call: Callee) => call.prack(),
  'peer: PRACK of nothing': (call: Callee) => call.prack('1'),
  'peer: BYE': (call: Callee) => call.receive('BYE'),
  'peer: INVITE': (call: Callee) => call.receive('INVITE'),
  'peer: UPDATE': (call: Callee) => call.receive('UPDATE'),
  'peer: INFO with an old CSeq': (call: Callee) => call.receive('INFO', 0),
  '64*T1 pass': (call: Callee) => call.wait(HALF_MINUTE),
};

const early = (): Callee => {
  const call = new Callee();
  call.answer(180);
  return call;
};

const reliable = (): Callee => {
  const call = new Callee('Supported: 100rel\n');
  call.answer(183, true);
  return call;
};

const postponed = (): Callee => {
  const call = reliable();
  call.answer(200);
  return call;
};

const answered = (): Callee => {
  const call = new Callee();
  call.answer(200);
  return call;
};

const leavingEarly = async (): Promise<Callee> => {
  const call = postponed();
  await call.send('BYE');
  return call;
};

const leaving = async (): Promise<Callee> => {
  const call = answered();
  await call.send('BYE');
  return call;
};

const confirmed = (): Callee => {
  const call = answered();
  call.ack();
  return call;
};

const reinvited = (): Callee => {
  const call = confirmed();
  call.receive('INVITE');
  return call;
};

const reanswered = (): Callee => {
  const call = reinvited();
  call.answer(200);
  return call;
};

const reinviting = async (): Promise<Callee> => {
  const call = confirmed();
  await call.send('INVITE');
  return call;
};

const hangingUp = async (): Promise<Callee> => {
  const call = confirmed();
  await call.send('BYE');
  return call;
};

const hungUp = (): Callee => {
  const call = confirmed();
  call.receive('BYE');
  return call;
};

const over = (): Callee => {
  const call = hungUp();
  call.reply(200);
  return call;
};

test('Early: 180 is sent', (t) =>
  holds(t, early, events, [
    ['user: 180', '180 INVITE', '', 'early'],
    ['user: 200', '200 INVITE', '', 'confirmed'],
    ['user: 486', '486 INVITE', 'end', 'terminated'],
    ['user: BYE', '', 'refused', 'early'],
    ['user: INVITE', '', '491', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['peer: ACK', '', '', 'early'],
    ['peer: CANCEL', '200 CANCEL, 487 INVITE', 'cancel, end', 'terminated'],
    ['peer: PRACK', '481 PRACK', '', 'early'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'early'],
    ['peer: BYE', '487 INVITE', 'BYE, end', 'terminated'],
    ['peer: INVITE', '100 INVITE, 500 INVITE', '', 'early'],
    ['peer: UPDATE', '', 'UPDATE', 'early'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'early'],
    ['64*T1 pass', '', '', 'early'],
  ]));

test('Early, with a reliable 183 that carries an answer: no PRACK yet (RFC 3262)', (t) =>
  holds(t, reliable, events, [
    ['user: 180', '180 INVITE', '', 'early'],
    ['user: 200', '', '', 'early'],
    ['user: 486', '486 INVITE', 'end', 'terminated'],
    ['user: BYE', '', 'refused', 'early'],
    ['user: INVITE', '', '491', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['peer: ACK', '', '', 'early'],
    ['peer: CANCEL', '200 CANCEL, 487 INVITE', 'cancel, end', 'terminated'],
    ['peer: PRACK', '', 'PRACK', 'early'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'early'],
    ['peer: BYE', '487 INVITE', 'BYE, end', 'terminated'],
    ['peer: INVITE', '100 INVITE, 500 INVITE', '', 'early'],
    ['peer: UPDATE', '', 'UPDATE', 'early'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'early'],
    [
      '64*T1 pass',
      '183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 504 INVITE',
      'expired, end',
      'terminated',
    ],
  ]));

test('Early, the 2xx waits for the PRACK of an answer', (t) =>
  holds(t, postponed, events, [
    ['user: 180', '', 'refused', 'early'],
    ['user: 200', '', 'refused', 'early'],
    ['user: 486', '', 'refused', 'early'],
    ['user: BYE', '', '', 'early'],
    ['user: INVITE', '', '491', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['peer: ACK', '', '', 'early'],
    [
      'peer: CANCEL',
      '200 CANCEL, 487 INVITE',
      'withdrawn (SIP;cause=487;text="Request Terminated"), end',
      'terminated',
    ],
    ['peer: PRACK', '200 INVITE', 'PRACK', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'early'],
    ['peer: BYE', '487 INVITE', 'BYE, end', 'terminated'],
    ['peer: INVITE', '100 INVITE, 500 INVITE', '', 'early'],
    ['peer: UPDATE', '', 'UPDATE', 'early'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'early'],
    [
      '64*T1 pass',
      '183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 504 INVITE',
      'withdrawn (SIP;cause=504;text="PRACK timeout"), end',
      'terminated',
    ],
  ]));

test('Early, the 2xx waits for the PRACK of an answer, the BYE of the user for the ACK', (t) =>
  holds(t, leavingEarly, events, [
    ['user: 180', '', 'refused', 'early'],
    ['user: 200', '', 'refused', 'early'],
    ['user: 486', '', 'refused', 'early'],
    ['user: BYE', '', '', 'early'],
    ['user: INVITE', '', '491', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['peer: ACK', '', '', 'early'],
    [
      'peer: CANCEL',
      '200 CANCEL, 487 INVITE',
      'withdrawn (SIP;cause=487;text="Request Terminated"), DialogError, end',
      'terminated',
    ],
    ['peer: PRACK', '200 INVITE', 'PRACK', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'early'],
    ['peer: BYE', '487 INVITE', 'BYE, DialogError, end', 'terminated'],
    ['peer: INVITE', '100 INVITE, 500 INVITE', '', 'early'],
    ['peer: UPDATE', '', 'UPDATE', 'early'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'early'],
    [
      '64*T1 pass',
      '183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 183 INVITE, 504 INVITE',
      'withdrawn (SIP;cause=504;text="PRACK timeout"), DialogError, end',
      'terminated',
    ],
  ]));

test('Confirmed, the ACK has not come: the 2xx is repeated, BYE after 64*T1', (t) =>
  holds(t, answered, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', '', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', 'ack', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    [
      '64*T1 pass',
      '200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, BYE',
      'bye, end',
      'terminated',
    ],
  ]));

test('Confirmed, the ACK has not come: the BYE of the user waits for it, at most 64*T1 (RFC 3261 section 15)', (t) =>
  holds(t, leaving, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', '', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', 'BYE', 'ack', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    [
      '64*T1 pass',
      '200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, BYE',
      '',
      'confirmed',
    ],
  ]));

test('Confirmed', (t) =>
  holds(t, confirmed, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', '', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    ['64*T1 pass', '', '', 'confirmed'],
  ]));

test('Confirmed, a re-INVITE of the peer is unanswered', (t) =>
  holds(t, reinvited, events, [
    ['user: 180', '180 INVITE', '', 'confirmed'],
    ['user: 200', '200 INVITE', '', 'confirmed'],
    ['user: 486', '486 INVITE', '', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: INVITE', '', '491', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', '', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL, 487 INVITE', 'cancel', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '487 INVITE', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE, 500 INVITE', '', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    ['64*T1 pass', '', '', 'confirmed'],
  ]));

test('Confirmed, the ACK to the 2xx of a re-INVITE has not come', (t) =>
  holds(t, reanswered, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', 'ack', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    [
      '64*T1 pass',
      '200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, 200 INVITE, BYE',
      'bye, end',
      'terminated',
    ],
  ]));

test('Confirmed, an own re-INVITE is unanswered', (t) =>
  holds(t, reinviting, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: INVITE', '', '491', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', '', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE, 491 INVITE', '', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    ['64*T1 pass', 'INVITE, INVITE, INVITE, INVITE, INVITE, INVITE', '408', 'confirmed'],
  ]));

test('Confirmed, an own BYE is unanswered', (t) =>
  holds(t, hangingUp, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', '', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    ['64*T1 pass', 'BYE, BYE, BYE, BYE, BYE, BYE, BYE, BYE, BYE, BYE', '408, end', 'terminated'],
  ]));

test('Confirmed, the BYE of the peer is unanswered', (t) =>
  holds(t, hungUp, events, [
    ['user: 180', '', 'refused', 'confirmed'],
    ['user: 200', '', 'refused', 'confirmed'],
    ['user: 486', '', 'refused', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['peer: ACK', '', '', 'confirmed'],
    ['peer: CANCEL', '200 CANCEL', '', 'confirmed'],
    ['peer: PRACK', '481 PRACK', '', 'confirmed'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'confirmed'],
    ['peer: BYE', '', 'BYE', 'confirmed'],
    ['peer: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['peer: UPDATE', '', 'UPDATE', 'confirmed'],
    ['peer: INFO with an old CSeq', '500 INFO', '', 'confirmed'],
    ['64*T1 pass', '100 BYE', '', 'confirmed'],
  ]));

test('Terminated', (t) =>
  holds(t, over, events, [
    ['user: 180', '', 'refused', 'terminated'],
    ['user: 200', '', 'refused', 'terminated'],
    ['user: 486', '', 'refused', 'terminated'],
    ['user: BYE', '', 'refused', 'terminated'],
    ['user: INVITE', '', 'refused', 'terminated'],
    ['user: UPDATE', '', 'refused', 'terminated'],
    ['peer: ACK', '', '', 'terminated'],
    ['peer: CANCEL', '200 CANCEL', '', 'terminated'],
    ['peer: PRACK', '481 PRACK', '', 'terminated'],
    ['peer: PRACK of nothing', '481 PRACK', '', 'terminated'],
    ['peer: BYE', '481 BYE', '', 'terminated'],
    ['peer: INVITE', '100 INVITE, 481 INVITE', '', 'terminated'],
    ['peer: UPDATE', '481 UPDATE', '', 'terminated'],
    ['peer: INFO with an old CSeq', '481 INFO', '', 'terminated'],
    ['64*T1 pass', '', '', 'terminated'],
  ]));
