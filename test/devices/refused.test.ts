import test from 'ava';
import { devicesNamedBy, isRefusedForGood } from '../../src/devices/refused.js';
import { deviceSettings } from '../../src/devices/settings.js';
import { apns, bench, instance, iphone, OTHER, request, VOIP } from './support.js';

test('P26: 401, 407 and 423 keep a held request, as another REGISTER will come; 403 and 404 end it', (t) => {
  t.deepEqual(
    [401, 407, 408, 423, 500, 503].filter((status) => isRefusedForGood(status)),
    [],
  );
  t.deepEqual(
    [400, 403, 404, 416].filter((status) => isRefusedForGood(status)),
    [400, 403, 404, 416],
  );
});

test('P26: a refused REGISTER is about the phone whose token it names; a stranger who knows only the address ends nothing', async (t) => {
  const { register, devices } = bench();
  await register([iphone()]);
  const known = await devices();
  const named = (contact: string) => devicesNamedBy(request([contact]), known, deviceSettings()).length;
  t.is(named(`<sip:2001@203.0.113.1${apns(VOIP)}>`), 1);
  t.is(named(iphone('sip:2001@192.0.2.1:5060', apns(OTHER))), 0);
  t.is(named(`<sip:2001@192.0.2.1:5060>${instance()}`), 0);
  t.is(named('<broken'), 0);
  t.is(named('*'), 0);
});
