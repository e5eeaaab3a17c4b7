import test from 'ava';
import { callUuidOf } from '../../src/calls/call-uuid.js';

test('the Session-ID gives the UUID, whatever the remote half says', (t) => {
  const expected = 'AB30317F-1A78-4DC4-8F24-7D1D0F2C2F4B';
  t.is(callUuidOf('ab30317f1a784dc48f247d1d0f2c2f4b;remote=00000000000000000000000000000000', 'x'), expected);
  t.is(callUuidOf('AB30317F1A784DC48F247D1D0F2C2F4B;remote=11111111111111111111111111111111', 'y'), expected);
});

test('without a Session-ID, or with the nil one, it is a version 8 UUID of the Call-ID', (t) => {
  const made = callUuidOf(undefined, 'call-1@cucm');
  t.regex(made, /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
  t.is(callUuidOf('00000000000000000000000000000000;remote=1', 'call-1@cucm'), made);
  t.is(callUuidOf('garbage', 'call-1@cucm'), made);
  t.not(callUuidOf(undefined, 'call-2@cucm'), made);
});
