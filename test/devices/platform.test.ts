import test from 'ava';
import { platformOf } from '../../src/devices/platform.js';

for (const [userAgent, platform] of [
  ['LinphoneiOS/5.2 (iPhone de Alice) LinphoneSDK/5.3', 'iphone'],
  ['Acme/3 (iPad; iOS 18.1)', 'ipad'],
  ['Phone/1 iOS/18', 'iphone'],
  ['Cisco-TCT/14.3', 'iphone'],
  ['Cisco-TAB/14.3', 'ipad'],
  ['Cisco-TAB/14.3 (Android 14)', 'other'],
  ['Cisco-CSF/14.3', 'other'],
  ['Cisco-BOT/14.3', 'other'],
  ['LinphoneAndroid/5.2', 'other'],
  ['Yealink SIP-T46', 'other'],
  ['Curiosity/1.0', 'other'],
] as const) {
  test(`User-Agent ${userAgent} is ${platform}`, (t) => {
    t.is(platformOf({ userAgent, appleVoip: false }), platform);
  });
}

for (const [hints, platform] of [
  [{ model: '562' }, 'iphone'],
  [{ model: '652' }, 'ipad'],
  [{ model: '575' }, 'other'],
  [{ deviceName: 'TCTALICE' }, 'iphone'],
  [{ deviceName: 'tabalice' }, 'ipad'],
  [{ deviceName: 'TABALICE', userAgent: 'Jabber Android' }, 'other'],
  [{ deviceName: 'BOTALICE', userAgent: 'iPhone' }, 'other'],
  [{ stated: 'iPad', deviceName: 'TCTALICE' }, 'ipad'],
  [{ stated: 'toaster', deviceName: 'TCTALICE' }, 'iphone'],
] as const) {
  test(`${JSON.stringify(hints)} is ${platform}`, (t) => {
    t.is(platformOf({ ...hints, appleVoip: false }), platform);
  });
}

test("who has a VoIP token of Apple's and says nothing else is an iPhone; a Mac is none", (t) => {
  t.is(platformOf({ appleVoip: true }), 'iphone');
  t.is(platformOf({ appleVoip: true, userAgent: 'Acme/1' }), 'iphone');
  t.is(platformOf({ appleVoip: true, userAgent: 'Acme/1 (macOS 15)' }), 'other');
  t.is(platformOf({ appleVoip: false, userAgent: 'Acme/1' }), 'other');
});
