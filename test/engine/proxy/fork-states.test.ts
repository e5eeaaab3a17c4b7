import test from 'ava';
import { holds } from '../dialog/table.js';
import { FINAL_TIMEOUT, Fork, PROVISIONAL_TIMEOUT, TIMER_C } from './fork.js';

const events = {
  'one: 100': (fork: Fork) => fork.answered('one', 100),
  'one: 180': (fork: Fork) => fork.answered('one', 180),
  'one: 200': (fork: Fork) => fork.answered('one', 200),
  'one: 302': (fork: Fork) => fork.answered('one', 302, 'sip:three@192.0.2.13'),
  'one: 486': (fork: Fork) => fork.answered('one', 486),
  'one: 503': (fork: Fork) => fork.answered('one', 503),
  'one: 603': (fork: Fork) => fork.answered('one', 603),
  'caller: CANCEL': (fork: Fork) => fork.cancel(),
  'the provisional timeout passes': (fork: Fork) => fork.wait(PROVISIONAL_TIMEOUT),
  'Timer C passes': (fork: Fork) => fork.wait(TIMER_C),
  'the final timeout passes': (fork: Fork) => fork.wait(FINAL_TIMEOUT),
};

const both = {
  ...events,
  'two: 180': (fork: Fork) => fork.answered('two', 180),
  'two: 200': (fork: Fork) => fork.answered('two', 200),
  'two: 487': (fork: Fork) => fork.answered('two', 487),
};

const sent = (): Fork => new Fork();

const ringing = async (): Promise<Fork> => {
  const fork = sent();
  await fork.answered('one', 180);
  await fork.answered('two', 180);
  return fork;
};

const after =
  (event: (fork: Fork) => Promise<void>, before = ringing) =>
  async (): Promise<Fork> => {
    const fork = await before();
    await event(fork);
    return fork;
  };

const oneBusy = after((fork) => fork.answered('one', 486));
const twoBusy = after((fork) => fork.answered('two', 486));
const answered = after((fork) => fork.answered('two', 200));
const declined = after((fork) => fork.answered('two', 603));
const cancelled = after((fork) => fork.cancel());
const failed = after((fork) => fork.answered('one', 486), twoBusy);

const serial = (): Fork => new Fork({ simultaneous: false });
const serialRinging = async (): Promise<Fork> => {
  const fork = serial();
  await fork.answered('one', 180);
  return fork;
};
const following = (): Fork => new Fork({ simultaneous: false, followRedirects: true });
const redirected = async (): Promise<Fork> => {
  const fork = following();
  await fork.answered('one', 302, 'sip:three@192.0.2.13');
  return fork;
};
const third = {
  'three: 200': (fork: Fork) => fork.answered('three', 200),
  'three: 302 to one': (fork: Fork) => fork.answered('three', 302, 'sip:one@192.0.2.11'),
  'three: 486': (fork: Fork) => fork.answered('three', 486),
  'caller: CANCEL': (fork: Fork) => fork.cancel(),
};

test('Both at once, no sign of life yet', (t) =>
  holds(t, sent, both, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '180', '', 'under way'],
    ['one: 200', '200', 'done 200', 'over'],
    ['one: 302', 'ACK one', '', 'under way'],
    ['one: 486', 'ACK one', '', 'under way'],
    ['one: 503', 'ACK one', '', 'under way'],
    ['one: 603', 'ACK one, 603', 'done 487+603', 'over'],
    ['caller: CANCEL', '200 CANCEL, 487', 'done 487+487', 'over'],
    ['the provisional timeout passes', 'INVITE one, INVITE two, 408', 'done 408+408', 'over'],
    ['Timer C passes', 'INVITE one, INVITE two, 408', 'done 408+408', 'over'],
    ['the final timeout passes', 'INVITE one, INVITE two, 408', 'done 408+408', 'over'],
    ['two: 180', '180', '', 'under way'],
    ['two: 200', '200', 'done 200', 'over'],
    ['two: 487', 'ACK two', '', 'under way'],
  ]));

test('Both ring', (t) =>
  holds(t, ringing, both, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '180', '', 'under way'],
    ['one: 200', '200, CANCEL two', 'done 200', 'under way'],
    ['one: 302', 'ACK one', '', 'under way'],
    ['one: 486', 'ACK one', '', 'under way'],
    ['one: 503', 'ACK one', '', 'under way'],
    ['one: 603', 'ACK one, CANCEL two', '', 'under way'],
    ['caller: CANCEL', '200 CANCEL, CANCEL one, CANCEL two', '', 'under way'],
    ['the provisional timeout passes', '', '', 'under way'],
    ['Timer C passes', 'CANCEL one, CANCEL two, 408', 'done 408+408', 'over'],
    ['the final timeout passes', 'CANCEL one, CANCEL two, 408', 'done 408+408', 'over'],
    ['two: 180', '180', '', 'under way'],
    ['two: 200', '200, CANCEL one', 'done 200', 'under way'],
    ['two: 487', 'ACK two', '', 'under way'],
  ]));

test('One is busy, two rings', (t) =>
  holds(t, oneBusy, both, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '', '', 'under way'],
    ['one: 200', '', '', 'under way'],
    ['one: 302', 'ACK one', '', 'under way'],
    ['one: 486', 'ACK one', '', 'under way'],
    ['one: 503', 'ACK one', '', 'under way'],
    ['one: 603', 'ACK one', '', 'under way'],
    ['caller: CANCEL', '200 CANCEL, CANCEL two', '', 'under way'],
    ['the provisional timeout passes', '', '', 'under way'],
    ['Timer C passes', 'CANCEL two, 486', 'done 408+486', 'over'],
    ['the final timeout passes', 'CANCEL two, 486', 'done 408+486', 'over'],
    ['two: 180', '180', '', 'under way'],
    ['two: 200', '200', 'done 486+200', 'over'],
    ['two: 487', 'ACK two, 486', 'done 487+486', 'over'],
  ]));

test('Two has answered: one was cancelled, its final response has not come; a 200 that crossed goes upstream', (t) =>
  holds(t, answered, both, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '', '', 'under way'],
    ['one: 200', '200', '', 'over'],
    ['one: 302', 'ACK one', '', 'over'],
    ['one: 486', 'ACK one', '', 'over'],
    ['one: 503', 'ACK one', '', 'over'],
    ['one: 603', 'ACK one', '', 'over'],
    ['caller: CANCEL', '200 CANCEL', '', 'under way'],
    ['the provisional timeout passes', 'CANCEL one', '', 'under way'],
    ['Timer C passes', 'CANCEL one', '', 'over'],
    ['the final timeout passes', 'CANCEL one', '', 'over'],
    ['two: 180', '', '', 'under way'],
    ['two: 200', '200', '', 'under way'],
    ['two: 487', '', '', 'under way'],
  ]));

test('Two has declined with 603: one was cancelled, its final response has not come', (t) =>
  holds(t, declined, both, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '180', '', 'under way'],
    ['one: 200', '200', 'done 603+200', 'over'],
    ['one: 302', 'ACK one, 603', 'done 302+603', 'over'],
    ['one: 486', 'ACK one, 603', 'done 486+603', 'over'],
    ['one: 503', 'ACK one, 603', 'done 503+603', 'over'],
    ['one: 603', 'ACK one, 603', 'done 603+603', 'over'],
    ['caller: CANCEL', '200 CANCEL', '', 'under way'],
    ['the provisional timeout passes', 'CANCEL one', '', 'under way'],
    ['Timer C passes', 'CANCEL one, 603', 'done 487+603', 'over'],
    ['the final timeout passes', 'CANCEL one, 603', 'done 487+603', 'over'],
    ['two: 180', '', '', 'under way'],
    ['two: 200', '', '', 'under way'],
    ['two: 487', 'ACK two', '', 'under way'],
  ]));

test('The caller has cancelled: neither has ended yet', (t) =>
  holds(t, cancelled, both, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '180', '', 'under way'],
    ['one: 200', '200', 'done 200', 'under way'],
    ['one: 302', 'ACK one', '', 'under way'],
    ['one: 486', 'ACK one', '', 'under way'],
    ['one: 503', 'ACK one', '', 'under way'],
    ['one: 603', 'ACK one', '', 'under way'],
    ['caller: CANCEL', '200 CANCEL', '', 'under way'],
    ['the provisional timeout passes', 'CANCEL one, CANCEL two', '', 'under way'],
    ['Timer C passes', 'CANCEL one, CANCEL two, 487', 'done 487+487', 'over'],
    ['the final timeout passes', 'CANCEL one, CANCEL two, 487', 'done 487+487', 'over'],
    ['two: 180', '180', '', 'under way'],
    ['two: 200', '200', 'done 200', 'under way'],
    ['two: 487', 'ACK two', '', 'under way'],
  ]));

test('Both are busy: it is over', (t) =>
  holds(t, failed, both, [
    ['one: 100', '', '', 'over'],
    ['one: 180', '', '', 'over'],
    ['one: 200', '', '', 'over'],
    ['one: 302', 'ACK one', '', 'over'],
    ['one: 486', 'ACK one', '', 'over'],
    ['one: 503', 'ACK one', '', 'over'],
    ['one: 603', 'ACK one', '', 'over'],
    ['caller: CANCEL', '200 CANCEL', '', 'over'],
    ['the provisional timeout passes', '486', '', 'over'],
    ['Timer C passes', '486', '', 'over'],
    ['the final timeout passes', '486', '', 'over'],
    ['two: 180', '', '', 'over'],
    ['two: 200', '', '', 'over'],
    ['two: 487', 'ACK two', '', 'over'],
  ]));

test('One after the other, no sign of life yet', (t) =>
  holds(t, serial, events, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '180', '', 'under way'],
    ['one: 200', '200', 'done 200', 'over'],
    ['one: 302', 'ACK one, INVITE two', '', 'under way'],
    ['one: 486', 'ACK one, INVITE two', '', 'under way'],
    ['one: 503', 'ACK one, INVITE two', '', 'under way'],
    ['one: 603', 'ACK one, 603', 'done 603', 'over'],
    ['caller: CANCEL', '200 CANCEL, 487', 'done 487', 'over'],
    ['the provisional timeout passes', 'INVITE one, INVITE two', '', 'under way'],
    ['Timer C passes', 'INVITE one, INVITE two, 408', 'done 408+408', 'over'],
    ['the final timeout passes', 'INVITE one, INVITE two, 408', 'done 408+408', 'over'],
  ]));

test('One after the other, the first rings', (t) =>
  holds(t, serialRinging, events, [
    ['one: 100', '', '', 'under way'],
    ['one: 180', '180', '', 'under way'],
    ['one: 200', '200', 'done 200', 'over'],
    ['one: 302', 'ACK one, INVITE two', '', 'under way'],
    ['one: 486', 'ACK one, INVITE two', '', 'under way'],
    ['one: 503', 'ACK one, INVITE two', '', 'under way'],
    ['one: 603', 'ACK one, 603', 'done 603', 'over'],
    ['caller: CANCEL', '200 CANCEL, CANCEL one', '', 'under way'],
    ['the provisional timeout passes', '', '', 'under way'],
    ['Timer C passes', 'CANCEL one, INVITE two', '', 'under way'],
    ['the final timeout passes', 'CANCEL one, INVITE two, 408', 'done 408+408', 'over'],
  ]));

test('One after the other, the first was redirected to a third', (t) =>
  holds(t, redirected, third, [
    ['three: 200', '200', 'done 302+200', 'over'],
    ['three: 302 to one', 'ACK three, INVITE two', '', 'under way'],
    ['three: 486', 'ACK three, INVITE two', '', 'under way'],
    ['caller: CANCEL', '200 CANCEL, 487', 'done 302+487', 'over'],
  ]));
