import test from 'ava';
import { settle } from '../support/fake-clock.js';
import { INFO } from './fakes.js';
import { World } from './world.js';

test('a call is under way here from its INVITE to its end, and another INVITE of it is another call', async (t) => {
  const world = new World([{ active: false, token: true }]);
  const { calls } = world.process;
  t.false(calls.isUnderWay(INFO));
  await world.invite();
  t.true(calls.isUnderWay(INFO));
  t.false(calls.isUnderWay({ ...INFO, callId: 'another' }));
  t.false(calls.isUnderWay({ ...INFO, aor: 'sip:another@corp.example' }));
  world.cancel();
  await settle();
  t.false(calls.isUnderWay(INFO));
});
