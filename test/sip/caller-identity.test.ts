import test from 'ava';
import fc from 'fast-check';
import { claimedAor, withIdentity, withoutPushParams } from '../../src/sip/caller-identity.js';
import { allHeaders, type HeaderLines } from '../../src/sip/header-lines.js';

const AOR = 'sip:2001@corp.example';

test('what a phone asserts of itself goes, what callwake knows comes (RFC 3325)', (t) => {
  const lines: HeaderLines = [
    ['From', '"Boss" <sip:2001@corp.example>;tag=1'],
    ['p-asserted-identity', '<sip:boss@corp.example>'],
    ['P-Preferred-Identity', '<sip:boss@corp.example>'],
    ['Remote-Party-ID', '<sip:boss@corp.example>'],
    ['X-Callwake-Call-UUID', 'FAKE'],
    ['Privacy', 'id'],
  ];
  t.deepEqual(withIdentity(lines, AOR), [
    ['From', '"Boss" <sip:2001@corp.example>;tag=1'],
    ['Privacy', 'id'],
    ['P-Asserted-Identity', '<sip:2001@corp.example>'],
  ]);
});

test('push parameters are taken out wherever they stand', (t) => {
  const contact =
    '<sip:2001@192.0.2.9;pn-provider=apns;pn-param=TEAM.app.voip;pn-prid=secret;transport=tcp>;pn-x="a;b"';
  t.is(withoutPushParams(contact), '<sip:2001@192.0.2.9;transport=tcp>');
  t.is(withoutPushParams('<sip:2001@192.0.2.9;pn-purr=xyz>'), '<sip:2001@192.0.2.9>');
  const lines: HeaderLines = [['From', '<sip:2001@corp.example;pn-prid=secret>;tag=1']];
  t.deepEqual(allHeaders(withIdentity(lines, AOR), 'from'), ['<sip:2001@corp.example>;tag=1']);
});

test('no text keeps a push parameter, and none without one changes', (t) => {
  const piece = fc.constantFrom(';', 'pn-prid', '=', 'abc', '"', '<sip:a@b', '>', ' ', 'pn-', 'x', ',', '?');
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('');
      t.notRegex(withoutPushParams(text), /;\s*pn-[a-z]+/);
      if (!text.includes('pn-')) t.is(withoutPushParams(text), text);
    }),
  );
});

test('an anonymous caller is known by P-Preferred-Identity', (t) => {
  const anonymous: HeaderLines = [['From', '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1']];
  t.is(claimedAor([...anonymous, ['P-Preferred-Identity', '<sip:2001@Corp.Example>']]), AOR);
  t.is(claimedAor(anonymous), 'sip:anonymous@anonymous.invalid');
  t.is(
    claimedAor([
      ['From', '<sip:2001@corp.example:5060>;tag=1'],
      ['P-Preferred-Identity', '<sip:boss@corp.example>'],
    ]),
    AOR,
  );
  t.is(claimedAor([['From', 'garbage']]), undefined);
});
