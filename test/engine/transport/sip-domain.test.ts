import test from 'ava';
import { showsOneOf, sipDomainsOf } from '../../../src/engine/transport/sip-domain.js';

const CN = { CN: 'common.example' };

for (const [what, subjectaltname, domains] of [
  ['a sip URI without a user', 'URI:sip:Corp.example', ['corp.example']],
  ['its port and parameters do not matter', 'URI:sip:corp.example:5061;transport=tls', ['corp.example']],
  ['a sip URI goes before DNS names', 'DNS:host.example, URI:sip:corp.example', ['corp.example']],
  ['DNS names count where there is no sip URI', 'DNS:a.example, DNS:B.example', ['a.example', 'b.example']],
  ['a URI with a user is a person', 'URI:sip:alice@corp.example', []],
  ['a user in disguise', 'URI:sip:corp.example;x=@evil.example', []],
  ['sips and other schemes are no SIP domains', 'URI:sips:corp.example, URI:https://corp.example', []],
  ['a wildcard is none', 'DNS:*.corp.example, DNS:*', []],
  ['an address is no domain', 'IP Address:192.0.2.1, DNS:192.0.2.1', []],
  ['the common name does not count beside others', 'IP Address:192.0.2.1', []],
  ['a comma inside a value begins no other name', 'URI:"sip:a, DNS:corp.example"', []],
  ['nor do quotes', 'DNS:"a\\", DNS:corp.example"', []],
  ['line breaks', 'DNS:"corp.example\\r\\nX: y"', []],
] as const) {
  test(`SIP domains of a certificate (RFC 5922 section 7.1): ${what}`, (t) => {
    t.deepEqual(sipDomainsOf({ subject: CN, subjectaltname }), [...domains]);
  });
}

test('the common name counts for a certificate without subjectAltName', (t) => {
  t.deepEqual(sipDomainsOf({ subject: CN }), ['common.example']);
  t.deepEqual(sipDomainsOf({ subject: { CN: ['a.example', 'b.example'] } }), ['a.example', 'b.example']);
  t.deepEqual(sipDomainsOf({ subject: { CN: 'not a name' } }), []);
  t.deepEqual(sipDomainsOf({}), []);
});

test('names are compared whole, without regard to case (RFC 5922 section 7.2)', (t) => {
  const certificate = { subjectaltname: 'DNS:sip.corp.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1' };
  t.true(showsOneOf(certificate, ['other.example', 'SIP.corp.example']));
  for (const name of ['corp.example', 'a.sip.corp.example', '*.corp.example', ''])
    t.false(showsOneOf(certificate, [name]));
  t.true(showsOneOf(certificate, ['192.0.2.1']));
  t.true(showsOneOf(certificate, ['2001:db8::1']));
  t.false(showsOneOf(certificate, ['192.0.2.2']));
  t.false(showsOneOf({ subjectaltname: 'DNS:*.corp.example' }, ['sip.corp.example']));
  t.false(showsOneOf({ subjectaltname: 'DNS:*.corp.example' }, ['*.corp.example']));
});
