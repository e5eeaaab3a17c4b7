import test from 'ava';
import fc from 'fast-check';
import { towardCaller } from '../../src/calls/final.js';

test('a person’s refusal and a redirect go to the caller as they are', (t) => {
  for (const status of [302, 486, 488, 600, 603, 607, 608]) t.is(towardCaller(status), status);
});

test('what only tells of the phone’s own path is 480: to CUCM 404 is an unallocated number, 5xx a broken trunk', (t) => {
  for (const status of [401, 404, 407, 408, 410, 430, 480, 481, 482, 483, 484, 487, 500, 502, 503, 504]) {
    t.is(towardCaller(status), 480, String(status));
  }
});

test('nothing that takes a trunk out of service ever reaches it', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 699 }), (status) => {
      const sent = towardCaller(status);
      t.true(sent < 500 || sent >= 600);
      t.not(sent, 408);
      t.not(sent, 404);
    }),
  );
});
