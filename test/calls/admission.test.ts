import test from 'ava';
import { Admission } from '../../src/calls/admission.js';

test('a trunk has so many calls waiting and so many answered; each trunk has its own', (t) => {
  const admission = new Admission(() => ({ maxHeld: 2, maxActive: 1 }));
  const first = admission.admit('cucm');
  t.truthy(first);
  const second = admission.admit('cucm');
  t.truthy(second);
  t.is(admission.admit('cucm'), undefined);
  t.truthy(admission.admit('other'));
  first?.up();
  t.deepEqual(admission.loadOf('cucm'), { held: 1, active: 1 });
  t.is(admission.admit('cucm'), undefined, 'as many answered as may be');
  first?.end();
  first?.end();
  first?.up();
  t.deepEqual(admission.loadOf('cucm'), { held: 1, active: 0 });
  t.truthy(admission.admit('cucm'));
});

test('calls that exist are never refused', (t) => {
  const admission = new Admission(() => ({ maxHeld: 1, maxActive: 1 }));
  const calls = [1, 2, 3].map(() => admission.readmit('cucm', 'active'));
  t.is(admission.loadOf('cucm').active, 3);
  for (const call of calls) call.end();
  t.deepEqual(admission.loadOf('cucm'), { held: 0, active: 0 });
});
