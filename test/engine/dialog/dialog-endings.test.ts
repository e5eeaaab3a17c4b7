import test from 'ava';
import { Callee } from './callee.js';
import { holds } from './table.js';

const confirmed = (): Callee => {
  const call = new Callee();
  call.answer(200);
  call.ack();
  return call;
};

const byeReceived = (): Callee => {
  const call = confirmed();
  call.receive('BYE');
  return call;
};

const byeReceivedEarly = (): Callee => {
  const call = new Callee();
  call.answer(180);
  call.receive('BYE');
  return call;
};

const sent = async (method: string): Promise<Callee> => {
  const call = confirmed();
  await call.send(method);
  return call;
};

const replies = {
  'user: 200': (call: Callee) => call.reply(200),
  'user: 401': (call: Callee) => call.reply(401),
  'user: 500': (call: Callee) => call.reply(500),
};

const byeAnswers = {
  '100': (call: Callee) => call.answered('BYE', 100),
  '200': (call: Callee) => call.answered('BYE', 200),
  '401': (call: Callee) => call.answered('BYE', 401),
  '481': (call: Callee) => call.answered('BYE', 481),
};

const inviteAnswers = {
  '100': (call: Callee) => call.answered('INVITE', 100),
  '180': (call: Callee) => call.answered('INVITE', 180),
  '200': (call: Callee) => call.answered('INVITE', 200),
  '481': (call: Callee) => call.answered('INVITE', 481),
  '491': (call: Callee) => call.answered('INVITE', 491),
};

test('A BYE of the peer ends the dialog with any answer but a challenge', (t) =>
  holds(t, byeReceived, replies, [
    ['user: 200', '200 BYE', 'end', 'terminated'],
    ['user: 401', '401 BYE', '', 'confirmed'],
    ['user: 500', '500 BYE', 'end', 'terminated'],
  ]));

test('A BYE in an early dialog has ended it; its own answer still goes out', (t) =>
  holds(t, byeReceivedEarly, replies, [
    ['user: 200', '200 BYE', '', 'terminated'],
    ['user: 401', '401 BYE', '', 'terminated'],
    ['user: 500', '500 BYE', '', 'terminated'],
  ]));

test('An own BYE ends the dialog with any answer but a challenge', (t) =>
  holds(t, () => sent('BYE'), byeAnswers, [
    ['100', '', '', 'confirmed'],
    ['200', '', '200, end', 'terminated'],
    ['401', '', '401', 'confirmed'],
    ['481', '', '481, end', 'terminated'],
  ]));

test('An own re-INVITE leaves the dialog whatever its answer', (t) =>
  holds(t, () => sent('INVITE'), inviteAnswers, [
    ['100', '', '', 'confirmed'],
    ['180', '', '180', 'confirmed'],
    ['200', '', '200', 'confirmed'],
    ['481', 'ACK', '481', 'confirmed'],
    ['491', 'ACK', '491', 'confirmed'],
  ]));
