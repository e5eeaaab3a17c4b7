import test from 'ava';
import fc from 'fast-check';
import { parseContact } from '../../src/devices/contact.js';
import { RegisterError } from '../../src/devices/errors.js';
import { type PushClaim, readPushClaim } from '../../src/devices/push-params.js';
import { DEFAULT_SETTINGS } from '../../src/devices/settings.js';
import { Params } from '../../src/grammar/params.js';
import { ALERT, PARAM, VOIP } from './support.js';

const read = (text: string, team = ''): PushClaim => readPushClaim(Params.parse(text), team);
const brief = (claim: PushClaim) =>
  claim.kind === 'tokens'
    ? claim.tokens.map(({ kind, token, teamId, bundleId, environment }) =>
        [kind, token.slice(0, 2), teamId, bundleId, environment ?? '?'].join(' '),
      )
    : claim.kind;

for (const [what, text, wanted] of [
  ['RFC 8599', `;pn-provider=apns;pn-param=${PARAM};pn-prid=${VOIP}`, ['voip aa ABCDE12345 com.example.phone ?']],
  [
    'two tokens in one pn-prid',
    `;pn-provider=apns;pn-param=T1.com.example.phone.voip&remote;pn-prid=${VOIP}:voip&${ALERT}:remote`,
    ['voip aa T1 com.example.phone ?', 'alert bb T1 com.example.phone ?'],
  ],
  [
    'two tokens in the other order',
    `;pn-provider=apns;pn-param=T1.b.remote&voip;pn-prid=${ALERT}:remote&${VOIP}:voip`,
    ['alert bb T1 b ?', 'voip aa T1 b ?'],
  ],
  [
    'escapes in the values',
    `;pn-provider=apns;pn-param=T1.b.voip%26remote;pn-prid=${VOIP}%3Avoip%26${ALERT}%3Aremote`,
    ['voip aa T1 b ?', 'alert bb T1 b ?'],
  ],
  ['one token that names its service', `;pn-provider=apns;pn-param=T1.b.voip;pn-prid=${VOIP}:voip`, ['voip aa T1 b ?']],
  ['a topic without service', `;pn-provider=APNS;pn-param=T1.com.b;pn-prid=${ALERT}`, ['alert bb T1 com.b ?']],
  ['the sandbox', `;pn-provider=apns.dev;pn-param=T1.b.voip;pn-prid=${VOIP}`, ['voip aa T1 b sandbox']],
  ['capital digits', `;pn-provider=apns;pn-param=T1.b.voip;pn-prid=${VOIP.toUpperCase()}`, ['voip aa T1 b ?']],
  [
    'Linphone before RFC 8599',
    `;app-id=org.linphone.phone.voip.prod;pn-type=apple;pn-tok=${VOIP};pn-timeout=0`,
    ['voip aa TEAM org.linphone.phone production'],
  ],
  ['its sandbox', `;app-id=org.x.voip.dev;pn-type=apple;pn-tok=${VOIP}`, ['voip aa TEAM org.x sandbox']],
  ['its alerts', `;app-id=org.x.prod;pn-type=apple;pn-tok=${ALERT}`, ['alert bb TEAM org.x production']],
  [
    'mod_apn',
    `;app-id=com.x;pn-platform=iOS;pn-voip-tok=${VOIP};pn-im-tok=${ALERT}`,
    ['voip aa TEAM com.x ?', 'alert bb TEAM com.x ?'],
  ],
  ['nothing', ';transport=tls', 'none'],
  ['a question', ';pn-provider=apns', 'query'],
  ['a question for all', ';pn-provider', 'query'],
  ['another service', ';pn-provider=fcm;pn-param=p;pn-prid=abc:def_g', 'unsupported'],
  ['another platform of before', `;pn-type=google;pn-tok=xyz;app-id=a`, 'unsupported'],
  ['no pn-param', `;pn-provider=apns;pn-prid=${VOIP}`, 'unsupported'],
  ['no app-id', `;pn-tok=${VOIP}`, 'unsupported'],
] as const) {
  test(`reads ${what}`, (t) => {
    t.deepEqual(brief(read(text, 'TEAM')) as unknown, wanted as unknown);
  });
}

for (const [what, text] of [
  ['a token that is not hexadecimal', ';pn-provider=apns;pn-param=T.b.voip;pn-prid=hello-world'],
  ['an empty token', ';pn-provider=apns;pn-param=T.b.voip;pn-prid='],
  ['a token of a few digits', ';pn-provider=apns;pn-param=T.b.voip;pn-prid=abcd'],
  ['a token without end', `;pn-provider=apns;pn-param=T.b.voip;pn-prid=${'a'.repeat(1000)}`],
  ['a pn-prid without end', `;pn-provider=fcm;pn-prid=${'a'.repeat(2000)}`],
  ['an unknown service of a token', `;pn-provider=apns;pn-param=T.b.voip;pn-prid=${VOIP}:smoke`],
  ['a service named twice', `;pn-provider=apns;pn-param=T.b.voip;pn-prid=${VOIP}:voip&${ALERT}:voip`],
  ['a pn-param without team', `;pn-provider=apns;pn-param=voip;pn-prid=${VOIP}`],
  ['a pn-param without bundle', `;pn-provider=apns;pn-param=T..voip;pn-prid=${VOIP}`],
  ['a pn-param with a slash', `;pn-provider=apns;pn-param=T.b/../c.voip;pn-prid=${VOIP}`],
  ['a pn-param with a line break', `;pn-provider=apns;pn-param=T.b%0d%0ax.voip;pn-prid=${VOIP}`],
  ['a broken escape', `;pn-provider=apns;pn-param=T.b.voip;pn-prid=%zz`],
  ['an app-id with a line break', `;app-id=b%0ac.voip;pn-tok=${VOIP}`],
] as const) {
  test(`refuses ${what}`, (t) => {
    const error = t.throws(() => read(text), { instanceOf: RegisterError });
    t.is(error.status, 400);
    t.false(error.message.includes(VOIP.slice(0, 8)));
  });
}

test('nothing in a Contact makes it fail otherwise than by 400, 403, 416', (t) => {
  const name = fc.constantFrom('pn-provider', 'pn-param', 'pn-prid', 'pn-tok', 'app-id', 'expires', 'q', 'reg-id', 'x');
  const value = fc.oneof(
    fc.constantFrom('apns', PARAM, VOIP, `${VOIP}:voip&${ALERT}:remote`, '', '%', '"', '"<urn:uuid:x>"', '0', '1.0'),
    fc.string({ maxLength: 20 }),
  );
  const params = fc
    .array(fc.tuple(name, value), { maxLength: 8 })
    .map((all) => all.map(([key, text]) => `;${key}=${text}`).join(''));
  const contact = fc.oneof(
    fc.tuple(params, params).map(([inner, outer]) => `<sip:2001@192.0.2.1${inner}>${outer}`),
    fc.string({ maxLength: 80 }),
    fc.string({ unit: 'binary', maxLength: 80 }),
  );
  fc.assert(
    fc.property(contact, (text) => {
      try {
        const parsed = parseContact(text, DEFAULT_SETTINGS);
        return !/[;&?]pn-/i.test(parsed.uri.split('?')[0] ?? '');
      } catch (error) {
        return error instanceof RegisterError && [400, 416].includes(error.status);
      }
    }),
    { numRuns: 3000 },
  );
  t.pass();
});
