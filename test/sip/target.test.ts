import test from 'ava';
import { createPurr } from '../../src/devices/purr.js';
import { aorFromPathUser, aorToPathUser } from '../../src/sip/path-user.js';
import { targetOf } from '../../src/sip/target.js';
import { binding, device } from '../calls/fakes.js';

const KEY = new Uint8Array(32).fill(5);
const AOR = 'sip:2001@corp.example';
const A = device('a', { aor: AOR, bindings: [binding('sip:uuid-1@192.0.2.1:5060')] });
const B = device('b', { aor: AOR, bindings: [binding('sip:uuid-2@192.0.2.2:5060')] });
const options = {
  domains: ['corp.example', 'other.example'],
  purrKey: KEY,
  devicesOf: async (aor: string) => (aor === AOR ? [A, B] : []),
};

test('a number of ours, at our domain or at the trunk’s address, is for all its devices', async (t) => {
  t.deepEqual(await targetOf(options, 'sip:2001@corp.example', []), { aor: AOR });
  t.deepEqual(await targetOf(options, 'sip:2001@10.0.0.1:5060;transport=tcp', []), { aor: AOR });
  t.is(await targetOf(options, 'sip:2009@corp.example', []), undefined);
  t.is(await targetOf(options, 'sip:2001@other.example', []), undefined);
  t.is(await targetOf(options, 'not a uri', []), undefined);
});

test('P34: a PURR in the Request-URI names the device', async (t) => {
  const purr = createPurr(KEY, AOR, 'b');
  t.deepEqual(await targetOf(options, `sip:2001@10.0.0.1;pn-purr=${purr}`, []), { aor: AOR, deviceId: 'b' });
});

test('P34: a PURR in a Route names the device', async (t) => {
  const route = ['Route', `<sip:10.0.0.1;lr>, <sip:edge.example;lr;pn-purr=${createPurr(KEY, AOR, 'a')}>`] as const;
  t.deepEqual(await targetOf(options, 'sip:x@192.0.2.77', [route]), { aor: AOR, deviceId: 'a' });
});

test('P36: an INVITE with Replaces to the Contact of a dialog wakes the phone that gave this Contact its PURR', async (t) => {
  const contact = `sip:uuid-2@192.0.2.2:5060;pn-purr=${createPurr(KEY, AOR, 'b')}`;
  const replaces = ['Replaces', 'call-1;to-tag=a;from-tag=b'] as const;
  t.deepEqual(await targetOf(options, contact, [replaces]), { aor: AOR, deviceId: 'b' });
});

test('P32: a PURR that was not made here, or whose device is gone, names nobody', async (t) => {
  t.deepEqual(await targetOf(options, 'sip:2001@corp.example;pn-purr=AAAA', []), { aor: AOR });
  t.is(await targetOf(options, `sip:2001@corp.example;pn-purr=${createPurr(KEY, AOR, 'gone')}`, []), undefined);
});

test('over callwake’s own Path entry: the device whose Contact is asked for, else all of the address', async (t) => {
  const route = ['Route', `<sip:${aorToPathUser(AOR)}@10.0.0.1:5060;transport=tcp;lr>`] as const;
  t.deepEqual(await targetOf(options, 'sip:uuid-2@192.0.2.2:5060', [route]), { aor: AOR, deviceId: 'b' });
  t.deepEqual(await targetOf(options, 'sip:uuid-9@192.0.2.9:5060', [route]), { aor: AOR });
});

test('what stands in a Path user comes out again; anything else does not pass for one', (t) => {
  t.is(aorFromPathUser(aorToPathUser('sip:ä%20b@corp.example')), 'sip:ä%20b@corp.example');
  for (const user of [undefined, 'edge', 'aor-', 'aor-####', `aor-${'A'.repeat(2000)}`])
    t.is(aorFromPathUser(user), undefined);
});
