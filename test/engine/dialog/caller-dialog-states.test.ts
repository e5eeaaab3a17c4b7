import test from 'ava';
import type { Caller } from './caller.js';
import { calls } from './calls.js';
import { holds } from './table.js';

const events = {
  'user: ACK': (call: Caller) => call.ack(),
  'user: BYE': (call: Caller) => call.send('BYE'),
  'user: PRACK': (call: Caller) => call.send('PRACK'),
  'user: UPDATE': (call: Caller) => call.send('UPDATE'),
  'user: INVITE': (call: Caller) => call.send('INVITE'),
  'phone: BYE': (call: Caller) => call.receive('BYE'),
  'phone: UPDATE': (call: Caller) => call.receive('UPDATE'),
  'phone: INVITE': (call: Caller) => call.receive('INVITE'),
  'phone: INFO with an old CSeq': (call: Caller) => {
    call.receive('OPTIONS', 'bob', 50);
    call.receive('INFO', 'bob', 49);
  },
  'other phone: BYE': (call: Caller) => call.receive('BYE', 'carol'),
};
test('Early dialog', (t) =>
  holds(t, calls.early, events, [
    ['user: ACK', '', 'refused', 'early'],
    ['user: BYE', 'BYE', '', 'early'],
    ['user: PRACK', 'PRACK', '', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['user: INVITE', '', 'INVITE 491', 'early'],
    ['phone: BYE', '', 'BYE', 'early'],
    ['phone: UPDATE', '', 'UPDATE', 'early'],
    ['phone: INVITE', '100 INVITE, 491 INVITE', '', 'early'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'early'],
    ['other phone: BYE', '481 BYE', '', 'early'],
  ]));

test('Early dialog made by a reliable response', (t) =>
  holds(t, calls.reliable, events, [
    ['user: ACK', '', 'refused', 'early'],
    ['user: BYE', 'BYE', '', 'early'],
    ['user: PRACK', 'PRACK', '', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['user: INVITE', '', 'INVITE 491', 'early'],
    ['phone: BYE', '', 'BYE', 'early'],
    ['phone: UPDATE', '', 'UPDATE', 'early'],
    ['phone: INVITE', '100 INVITE, 491 INVITE', '', 'early'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'early'],
    ['other phone: BYE', '481 BYE', '', 'early'],
  ]));

test('One of two early dialogs', (t) =>
  holds(t, calls.forked, events, [
    ['user: ACK', '', 'refused', 'early'],
    ['user: BYE', 'BYE', '', 'early'],
    ['user: PRACK', 'PRACK', '', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['user: INVITE', '', 'INVITE 491', 'early'],
    ['phone: BYE', '', 'BYE', 'early'],
    ['phone: UPDATE', '', 'UPDATE', 'early'],
    ['phone: INVITE', '100 INVITE, 491 INVITE', '', 'early'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'early'],
    ['other phone: BYE', '', 'BYE', 'early'],
  ]));

test('Early dialog of a cancelled INVITE', (t) =>
  holds(t, calls.cancelled, events, [
    ['user: ACK', '', 'refused', 'early'],
    ['user: BYE', 'BYE', '', 'early'],
    ['user: PRACK', 'PRACK', '', 'early'],
    ['user: UPDATE', 'UPDATE', '', 'early'],
    ['user: INVITE', '', 'INVITE 491', 'early'],
    ['phone: BYE', '', 'BYE', 'early'],
    ['phone: UPDATE', '', 'UPDATE', 'early'],
    ['phone: INVITE', '100 INVITE, 491 INVITE', '', 'early'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'early'],
    ['other phone: BYE', '481 BYE', '', 'early'],
  ]));

test('Dialog of an INVITE that failed: terminated', (t) =>
  holds(t, calls.failed, events, [
    ['user: ACK', '', 'refused', 'terminated'],
    ['user: BYE', '', 'refused', 'terminated'],
    ['user: PRACK', '', 'refused', 'terminated'],
    ['user: UPDATE', '', 'refused', 'terminated'],
    ['user: INVITE', '', 'refused', 'terminated'],
    ['phone: BYE', '481 BYE', '', 'terminated'],
    ['phone: UPDATE', '481 UPDATE', '', 'terminated'],
    ['phone: INVITE', '100 INVITE, 481 INVITE', '', 'terminated'],
    ['phone: INFO with an old CSeq', '481 OPTIONS, 481 INFO', '', 'terminated'],
    ['other phone: BYE', '481 BYE', '', 'terminated'],
  ]));

test('Confirmed, not acknowledged', (t) =>
  holds(t, calls.answered, events, [
    ['user: ACK', 'ACK', '', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: PRACK', 'PRACK', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['phone: BYE', '', 'BYE', 'confirmed'],
    ['phone: UPDATE', '', 'UPDATE', 'confirmed'],
    ['phone: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'confirmed'],
    ['other phone: BYE', '481 BYE', '', 'confirmed'],
  ]));

test('Confirmed', (t) =>
  holds(t, calls.confirmed, events, [
    ['user: ACK', 'ACK', '', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: PRACK', 'PRACK', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['phone: BYE', '', 'BYE', 'confirmed'],
    ['phone: UPDATE', '', 'UPDATE', 'confirmed'],
    ['phone: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'confirmed'],
    ['other phone: BYE', '481 BYE', '', 'confirmed'],
  ]));

test('Confirmed, an own re-INVITE is unanswered (RFC 3261 section 14.2: 491)', (t) =>
  holds(t, calls.reinviting, events, [
    ['user: ACK', 'ACK', '', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: PRACK', 'PRACK', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['user: INVITE', '', 'INVITE 491', 'confirmed'],
    ['phone: BYE', '', 'BYE', 'confirmed'],
    ['phone: UPDATE', '', 'UPDATE', 'confirmed'],
    ['phone: INVITE', '100 INVITE, 491 INVITE', '', 'confirmed'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'confirmed'],
    ['other phone: BYE', '481 BYE', '', 'confirmed'],
  ]));

test('Confirmed, a re-INVITE of the phone is unanswered (RFC 3261 section 14.2: 500)', (t) =>
  holds(t, calls.reinvited, events, [
    ['user: ACK', 'ACK', '', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: PRACK', 'PRACK', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['user: INVITE', '', 'INVITE 491', 'confirmed'],
    ['phone: BYE', '487 INVITE', 'BYE', 'confirmed'],
    ['phone: UPDATE', '', 'UPDATE', 'confirmed'],
    ['phone: INVITE', '100 INVITE, 500 INVITE', '', 'confirmed'],
    ['phone: INFO with an old CSeq', '500 OPTIONS, 500 INFO', '', 'confirmed'],
    ['other phone: BYE', '481 BYE', '', 'confirmed'],
  ]));

test('Confirmed, an own BYE is unanswered', (t) =>
  holds(t, calls.hangingUp, events, [
    ['user: ACK', 'ACK', '', 'confirmed'],
    ['user: BYE', 'BYE', '', 'confirmed'],
    ['user: PRACK', 'PRACK', '', 'confirmed'],
    ['user: UPDATE', 'UPDATE', '', 'confirmed'],
    ['user: INVITE', 'INVITE', '', 'confirmed'],
    ['phone: BYE', '', 'BYE', 'confirmed'],
    ['phone: UPDATE', '', 'UPDATE', 'confirmed'],
    ['phone: INVITE', '100 INVITE', 'INVITE', 'confirmed'],
    ['phone: INFO with an old CSeq', '500 INFO', 'OPTIONS', 'confirmed'],
    ['other phone: BYE', '481 BYE', '', 'confirmed'],
  ]));

test('Terminated', (t) =>
  holds(t, calls.over, events, [
    ['user: ACK', '', 'refused', 'terminated'],
    ['user: BYE', '', 'refused', 'terminated'],
    ['user: PRACK', '', 'refused', 'terminated'],
    ['user: UPDATE', '', 'refused', 'terminated'],
    ['user: INVITE', '', 'refused', 'terminated'],
    ['phone: BYE', '481 BYE', '', 'terminated'],
    ['phone: UPDATE', '481 UPDATE', '', 'terminated'],
    ['phone: INVITE', '100 INVITE, 481 INVITE', '', 'terminated'],
    ['phone: INFO with an old CSeq', '481 OPTIONS, 481 INFO', '', 'terminated'],
    ['other phone: BYE', '481 BYE', '', 'terminated'],
  ]));
