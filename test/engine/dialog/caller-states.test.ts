import test from 'ava';
import type { Caller } from './caller.js';
import { calls } from './calls.js';
import { holds } from './table.js';

const answers = {
  'phone: 100': (call: Caller) => call.answered(100, ''),
  'phone: 180': (call: Caller) => call.answered(180),
  'phone: 180 without a tag': (call: Caller) => call.answered(180, ''),
  'phone: 183 with RSeq 1': (call: Caller) => call.reliably(1),
  'phone: 183 with RSeq 2': (call: Caller) => call.reliably(2),
  'phone: 183 with RSeq 3': (call: Caller) => call.reliably(3),
  'other phone: 180': (call: Caller) => call.answered(180, 'carol'),
  'other phone: 183 with RSeq 1': (call: Caller) => call.reliably(1, 'carol'),
  'phone: 200': (call: Caller) => call.answered(200),
  'other phone: 200': (call: Caller) => call.answered(200, 'carol'),
  'phone: 486': (call: Caller) => call.answered(486),
  'user: CANCEL': (call: Caller) => call.cancel(),
  'the connection is lost': (call: Caller) => call.lose(),
  '64*T1 pass': (call: Caller) => call.wait(64 * 500),
};

test('Calling: no answer yet', (t) =>
  holds(t, calls.calling, answers, [
    ['phone: 100', '', '', 'none'],
    ['phone: 180', '', '180 of bob', 'early'],
    ['phone: 180 without a tag', '', '180', 'none'],
    ['phone: 183 with RSeq 1', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 2', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 3', '', '183 of bob', 'early'],
    ['other phone: 180', '', '180 of carol', 'early'],
    ['other phone: 183 with RSeq 1', '', '183 of carol', 'early'],
    ['phone: 200', '', '200 of bob', 'confirmed'],
    ['other phone: 200', '', '200 of carol', 'confirmed'],
    ['phone: 486', 'ACK', '486', 'none'],
    ['user: CANCEL', '', '', 'none'],
    ['the connection is lost', '', '503', 'none'],
    ['64*T1 pass', 'INVITE, INVITE, INVITE, INVITE, INVITE, INVITE', '408', 'none'],
  ]));

test('100 came: no dialog yet', (t) =>
  holds(t, calls.proceeding, answers, [
    ['phone: 100', '', '', 'none'],
    ['phone: 180', '', '180 of bob', 'early'],
    ['phone: 180 without a tag', '', '180', 'none'],
    ['phone: 183 with RSeq 1', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 2', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 3', '', '183 of bob', 'early'],
    ['other phone: 180', '', '180 of carol', 'early'],
    ['other phone: 183 with RSeq 1', '', '183 of carol', 'early'],
    ['phone: 200', '', '200 of bob', 'confirmed'],
    ['other phone: 200', '', '200 of carol', 'confirmed'],
    ['phone: 486', 'ACK', '486', 'none'],
    ['user: CANCEL', 'CANCEL', '', 'none'],
    ['the connection is lost', 'CANCEL', '503', 'none'],
    ['64*T1 pass', '', '', 'none'],
  ]));

test('Early: 180 came', (t) =>
  holds(t, calls.early, answers, [
    ['phone: 100', '', '', 'early'],
    ['phone: 180', '', '180 of bob', 'early'],
    ['phone: 180 without a tag', '', '180', 'early'],
    ['phone: 183 with RSeq 1', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 2', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 3', '', '183 of bob', 'early'],
    ['other phone: 180', '', '180 of carol', 'early'],
    ['other phone: 183 with RSeq 1', '', '183 of carol', 'early'],
    ['phone: 200', '', '200 of bob', 'confirmed'],
    ['other phone: 200', '', '200 of carol, end of bob', 'confirmed'],
    ['phone: 486', 'ACK', '486 of bob, end of bob', 'terminated'],
    ['user: CANCEL', 'CANCEL', '', 'early'],
    ['the connection is lost', 'CANCEL', '503 of bob, end of bob', 'terminated'],
    ['64*T1 pass', '', '', 'early'],
  ]));

test('Early: a reliable 183 came (RFC 3262: in order, once)', (t) =>
  holds(t, calls.reliable, answers, [
    ['phone: 100', '', '', 'early'],
    ['phone: 180', '', '180 of bob', 'early'],
    ['phone: 180 without a tag', '', '180', 'early'],
    ['phone: 183 with RSeq 1', '', '', 'early'],
    ['phone: 183 with RSeq 2', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 3', '', '', 'early'],
    ['other phone: 180', '', '180 of carol', 'early'],
    ['other phone: 183 with RSeq 1', '', '183 of carol', 'early'],
    ['phone: 200', '', '200 of bob', 'confirmed'],
    ['other phone: 200', '', '200 of carol, end of bob', 'confirmed'],
    ['phone: 486', 'ACK', '486 of bob, end of bob', 'terminated'],
    ['user: CANCEL', 'CANCEL', '', 'early'],
    ['the connection is lost', 'CANCEL', '503 of bob, end of bob', 'terminated'],
    ['64*T1 pass', '', '', 'early'],
  ]));

test('Forked: two early dialogs', (t) =>
  holds(t, calls.forked, answers, [
    ['phone: 100', '', '', 'early'],
    ['phone: 180', '', '180 of bob', 'early'],
    ['phone: 180 without a tag', '', '180', 'early'],
    ['phone: 183 with RSeq 1', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 2', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 3', '', '183 of bob', 'early'],
    ['other phone: 180', '', '180 of carol', 'early'],
    ['other phone: 183 with RSeq 1', '', '183 of carol', 'early'],
    ['phone: 200', '', '200 of bob, end of carol', 'confirmed'],
    ['other phone: 200', '', '200 of carol, end of bob', 'confirmed'],
    ['phone: 486', 'ACK', '486 of carol, end of carol, end of bob', 'terminated'],
    ['user: CANCEL', 'CANCEL', '', 'early'],
    ['the connection is lost', 'CANCEL', '503 of carol, end of carol, end of bob', 'terminated'],
    ['64*T1 pass', '', '', 'early'],
  ]));

test('Cancelled: its final response has not come', (t) =>
  holds(t, calls.cancelled, answers, [
    ['phone: 100', '', '', 'early'],
    ['phone: 180', '', '180 of bob', 'early'],
    ['phone: 180 without a tag', '', '180', 'early'],
    ['phone: 183 with RSeq 1', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 2', '', '183 of bob', 'early'],
    ['phone: 183 with RSeq 3', '', '183 of bob', 'early'],
    ['other phone: 180', '', '180 of carol', 'early'],
    ['other phone: 183 with RSeq 1', '', '183 of carol', 'early'],
    ['phone: 200', '', '200 of bob', 'confirmed'],
    ['other phone: 200', '', '200 of carol, end of bob', 'confirmed'],
    ['phone: 486', 'ACK', '486 of bob, end of bob', 'terminated'],
    ['user: CANCEL', '', '', 'early'],
    ['the connection is lost', '', '487 of bob, end of bob', 'terminated'],
    [
      '64*T1 pass',
      'CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL, CANCEL',
      '487 of bob, end of bob',
      'terminated',
    ],
  ]));

test('Failed: nothing is left', (t) =>
  holds(t, calls.failed, answers, [
    ['phone: 100', '', '', 'terminated'],
    ['phone: 180', '', '', 'terminated'],
    ['phone: 180 without a tag', '', '', 'terminated'],
    ['phone: 183 with RSeq 1', '', '', 'terminated'],
    ['phone: 183 with RSeq 2', '', '', 'terminated'],
    ['phone: 183 with RSeq 3', '', '', 'terminated'],
    ['other phone: 180', '', '', 'terminated'],
    ['other phone: 183 with RSeq 1', '', '', 'terminated'],
    ['phone: 200', '', '', 'terminated'],
    ['other phone: 200', '', '', 'terminated'],
    ['phone: 486', 'ACK', '', 'terminated'],
    ['user: CANCEL', '', '', 'terminated'],
    ['the connection is lost', '', '', 'terminated'],
    ['64*T1 pass', '', '', 'terminated'],
  ]));

test('Answered, not acknowledged: a 2xx of another phone is acknowledged and hung up', (t) =>
  holds(t, calls.answered, answers, [
    ['phone: 100', '', '', 'confirmed'],
    ['phone: 180', '', '', 'confirmed'],
    ['phone: 180 without a tag', '', '', 'confirmed'],
    ['phone: 183 with RSeq 1', '', '', 'confirmed'],
    ['phone: 183 with RSeq 2', '', '', 'confirmed'],
    ['phone: 183 with RSeq 3', '', '', 'confirmed'],
    ['other phone: 180', '', '', 'confirmed'],
    ['other phone: 183 with RSeq 1', '', '', 'confirmed'],
    ['phone: 200', '', '', 'confirmed'],
    ['other phone: 200', 'ACK, BYE', 'end of carol', 'confirmed'],
    ['phone: 486', '', '', 'confirmed'],
    ['user: CANCEL', '', '', 'confirmed'],
    ['the connection is lost', '', '', 'confirmed'],
    ['64*T1 pass', '', '', 'confirmed'],
  ]));

test('Confirmed: a repeated 2xx gets its ACK again', (t) =>
  holds(t, calls.confirmed, answers, [
    ['phone: 100', '', '', 'confirmed'],
    ['phone: 180', '', '', 'confirmed'],
    ['phone: 180 without a tag', '', '', 'confirmed'],
    ['phone: 183 with RSeq 1', '', '', 'confirmed'],
    ['phone: 183 with RSeq 2', '', '', 'confirmed'],
    ['phone: 183 with RSeq 3', '', '', 'confirmed'],
    ['other phone: 180', '', '', 'confirmed'],
    ['other phone: 183 with RSeq 1', '', '', 'confirmed'],
    ['phone: 200', 'ACK', '', 'confirmed'],
    ['other phone: 200', 'ACK, BYE', 'end of carol', 'confirmed'],
    ['phone: 486', '', '', 'confirmed'],
    ['user: CANCEL', '', '', 'confirmed'],
    ['the connection is lost', '', '', 'confirmed'],
    ['64*T1 pass', '', '', 'confirmed'],
  ]));

test('An own re-INVITE is unanswered: only its dialog answers', (t) =>
  holds(t, calls.reinviting, answers, [
    ['phone: 100', '', '', 'confirmed'],
    ['phone: 180', '', 'INVITE 180', 'confirmed'],
    ['phone: 180 without a tag', '', 'INVITE 180', 'confirmed'],
    ['phone: 183 with RSeq 1', '', 'INVITE 183', 'confirmed'],
    ['phone: 183 with RSeq 2', '', 'INVITE 183', 'confirmed'],
    ['phone: 183 with RSeq 3', '', 'INVITE 183', 'confirmed'],
    ['other phone: 180', '', 'INVITE 180', 'confirmed'],
    ['other phone: 183 with RSeq 1', '', 'INVITE 183', 'confirmed'],
    ['phone: 200', '', 'INVITE 200', 'confirmed'],
    ['other phone: 200', '', '', 'confirmed'],
    ['phone: 486', 'ACK', 'INVITE 486', 'confirmed'],
    ['user: CANCEL', '', '', 'confirmed'],
    ['the connection is lost', '', '', 'confirmed'],
    ['64*T1 pass', 'INVITE, INVITE, INVITE, INVITE, INVITE, INVITE', 'INVITE 408', 'confirmed'],
  ]));

test('An own re-INVITE that another dialog accepted is unanswered still, but not for ever', (t) =>
  holds(t, calls.reinvitingStrayed, answers, [
    ['phone: 100', '', '', 'confirmed'],
    ['phone: 180', '', 'INVITE 180', 'confirmed'],
    ['phone: 180 without a tag', '', 'INVITE 180', 'confirmed'],
    ['phone: 183 with RSeq 1', '', 'INVITE 183', 'confirmed'],
    ['phone: 183 with RSeq 2', '', 'INVITE 183', 'confirmed'],
    ['phone: 183 with RSeq 3', '', 'INVITE 183', 'confirmed'],
    ['other phone: 180', '', 'INVITE 180', 'confirmed'],
    ['other phone: 183 with RSeq 1', '', 'INVITE 183', 'confirmed'],
    ['phone: 200', '', 'INVITE 200', 'confirmed'],
    ['other phone: 200', '', '', 'confirmed'],
    ['phone: 486', 'ACK', 'INVITE 486', 'confirmed'],
    ['user: CANCEL', '', '', 'confirmed'],
    ['the connection is lost', '', '', 'confirmed'],
    ['64*T1 pass', '', 'INVITE 408', 'confirmed'],
  ]));

test('An own re-INVITE is answered and acknowledged', (t) =>
  holds(t, calls.reanswered, answers, [
    ['phone: 100', '', '', 'confirmed'],
    ['phone: 180', '', '', 'confirmed'],
    ['phone: 180 without a tag', '', '', 'confirmed'],
    ['phone: 183 with RSeq 1', '', '', 'confirmed'],
    ['phone: 183 with RSeq 2', '', '', 'confirmed'],
    ['phone: 183 with RSeq 3', '', '', 'confirmed'],
    ['other phone: 180', '', '', 'confirmed'],
    ['other phone: 183 with RSeq 1', '', '', 'confirmed'],
    ['phone: 200', 'ACK', '', 'confirmed'],
    ['other phone: 200', '', '', 'confirmed'],
    ['phone: 486', '', '', 'confirmed'],
    ['user: CANCEL', '', '', 'confirmed'],
    ['the connection is lost', '', '', 'confirmed'],
    ['64*T1 pass', '', '', 'confirmed'],
  ]));
