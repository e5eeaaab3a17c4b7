import test from 'ava';
import { prepareUpstream } from '../../src/devices/upstream.js';
import { AOR, apns, bench, INSTANCE, INSTANCE_2, instance, iphone, request } from './support.js';

const KEY = Buffer.alloc(32, 0xfb).toString('base64url');
const OTHER = Buffer.alloc(32, 3).toString('base64url');

for (const [where, contact, rest] of [
  ['a Contact parameter', `${iphone()};app-key=${KEY};app-key-id=k1`, {}],
  ['a quoted one, padded', `${iphone()};app-key="${KEY}=";app-key-id="k1"`, {}],
  ['a parameter of the URI', `<sip:2001@192.0.2.1${apns()};app-key=${KEY};app-key-id=k1>${instance()}`, {}],
  ['the header', iphone(), { keyHeader: `${KEY};id=k1` }],
] as const) {
  test(`the key of an app is kept with its device, and in nothing else: ${where}`, async (t) => {
    const { register, device } = await bench();
    const answer = await register([contact], rest);
    t.is(answer.status, 200);
    const { encryptionKey, encryptionKeyId, ...others } = await device();
    t.deepEqual([encryptionKey, encryptionKeyId], [KEY, 'k1']);
    t.false(JSON.stringify([others, answer.headers]).includes(KEY));
    t.is(others.bindings[0]?.uri.includes('app-key'), false);
  });
}

test('a REGISTER without a key keeps it, a new one takes its place, and an unregister ends it with the phone', async (t) => {
  const { register, device, devices } = bench();
  await register([`${iphone()};app-key=${KEY};app-key-id=k1`]);
  await register([iphone()]);
  t.like(await device(), { encryptionKey: KEY, encryptionKeyId: 'k1' });
  await register([`${iphone()};app-key=${OTHER}`]);
  const { encryptionKey, encryptionKeyId } = await device();
  t.deepEqual([encryptionKey, encryptionKeyId], [OTHER, undefined]);
  await register([iphone(undefined, '')], { expires: 0 });
  t.deepEqual(await devices(), []);
});

test('the key stays out of what other phones of the address are answered', async (t) => {
  const { register } = bench();
  await register([`${iphone()};app-key=${KEY}`]);
  const answer = await register([iphone('sip:b@192.0.2.2', '', INSTANCE_2)]);
  t.false(JSON.stringify(answer.headers).includes('app-key'));
  t.true(JSON.stringify(answer.headers).includes(INSTANCE));
});

test('the key does not go on to another registrar', (t) => {
  const { registry } = bench();
  const onward = prepareUpstream(request([`${iphone()};app-key=${KEY};app-key-id=k1`]), registry.settings);
  t.deepEqual(onward, { contacts: [`<sip:2001@192.0.2.1:5060>${instance()}`], featureCaps: ['*;+sip.pns="apns"'] });
});

for (const [what, contact, rest] of [
  ['too short', `${iphone()};app-key=${KEY.slice(1)}`, {}],
  ['no base64url', `${iphone()};app-key="${'*'.repeat(43)}"`, {}],
  ['without value', `${iphone()};app-key`, {}],
  ['a name with a space', `${iphone()};app-key=${KEY};app-key-id="k 1"`, {}],
  ['too long in the header', iphone(), { keyHeader: `${KEY}${KEY}` }],
  ['parameters that are none in the header', iphone(), { keyHeader: `${KEY};=` }],
] as const) {
  test(`a key that is none is refused with 400, which doesn't repeat it, and nothing is stored: ${what}`, async (t) => {
    const { register, devices } = bench();
    const answer = await register([contact], rest);
    t.deepEqual([answer.status, answer.reason], [400, 'Malformed Encryption Key']);
    t.deepEqual(await devices(), []);
  });
}

test('P38: a key in clear is refused where push parameters are', async (t) => {
  const { register, registry } = bench();
  const clear = { source: 'udp/192.0.2.1:5060' };
  t.is((await register([`<sip:a@192.0.2.1>${instance()};app-key=${KEY}`], clear)).status, 403);
  t.is((await register([`<sip:a@192.0.2.1>${instance()}`], { ...clear, keyHeader: KEY })).status, 403);
  t.deepEqual(await registry.devicesOf(AOR), []);
});

test('the names of parameter and header are settings', async (t) => {
  const { register, device } = bench({ keyParameter: 'x-secret' });
  await register([`${iphone()};x-secret=${KEY};x-secret-id=7;app-key=x`]);
  t.like(await device(), { encryptionKey: KEY, encryptionKeyId: '7' });
});
