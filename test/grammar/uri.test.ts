import test from 'ava';
import fc from 'fast-check';
import { GrammarError } from '../../src/grammar/error.js';
import { aorOf, formatUri, ipVersion, parseUri, uriEquals } from '../../src/grammar/uri.js';

test('a SIP URI with everything', (t) => {
  const uri = parseUri('SIPS:alice:pw@Atlanta.EXAMPLE:5063;transport=TCP;lr;x=1?subject=a%20b&priority=urgent');
  t.is(uri.scheme, 'sips');
  t.is(uri.user, 'alice');
  t.is(uri.password, 'pw');
  t.is(uri.host, 'atlanta.example');
  t.is(uri.port, 5063);
  t.is(uri.params.get('Transport'), 'TCP');
  t.is(uri.params.get('lr'), '');
  t.is(uri.headers, 'subject=a%20b&priority=urgent');
});

test('the shortest URI, IPv6, and users with signs of their own', (t) => {
  t.like(parseUri('sip:h'), { host: 'h', headers: '' });
  t.like(parseUri('sip:[2001:DB8::1]:5070'), { host: '[2001:db8::1]', port: 5070 });
  t.like(parseUri('sip:+1;ext=2?x/@h;y'), { user: '+1;ext=2?x/', host: 'h' });
  t.is(parseUri('sip:h;user=phone@x').user, 'h;user=phone');
});

test('other schemes', (t) => {
  const tel = parseUri('tel:+1-201-555-0123;phone-context=example.com');
  t.is(tel.user, '+1-201-555-0123');
  t.is(tel.params.get('phone-context'), 'example.com');
  t.like(parseUri('nobodyKnowsThisScheme:totallyopaquecontent'), {
    scheme: 'nobodyknowsthisscheme',
    user: 'totallyopaquecontent',
  });
});

for (const text of [
  '',
  'sip',
  ':h',
  'sip:',
  'sip:@h',
  'sip::pw@h',
  'sip:a@b@c',
  'sip:a b@h',
  'sip:<a@h>',
  'sip:a@h:',
  'sip:a@h:0',
  'sip:a@h:65536',
  'sip:a@h:123456',
  'sip:a@h:5x',
  'sip:a@h;;x',
  'sip:[::1',
  'sip:[::g]',
  'sip:[::1]x',
  'sip:a@h_!',
  '1sip:a@h',
  'sip:a@h\r\nX: y',
]) {
  test(`no URI: ${JSON.stringify(text)}`, (t) => {
    t.throws(() => parseUri(text), { instanceOf: GrammarError });
  });
}

test('an address of record has one spelling', (t) => {
  for (const text of [
    'sip:2001@corp.example',
    'sips:2001@CORP.example',
    'sip:%32001@corp.example;transport=tcp?x=y',
    'sip:2001:pw@corp.example:5060',
  ]) {
    t.is(aorOf(parseUri(text)), 'sip:2001@corp.example');
  }
  t.is(aorOf(parseUri('sip:2001@corp.example:5070')), 'sip:2001@corp.example:5070');
  t.is(aorOf(parseUri('sip:a%2fb@h')), 'sip:a%2Fb@h');
  t.is(aorOf(parseUri('tel:+1-201-555')), 'tel:+1201555');
});

/** RFC 3261 section 19.1.4. */
const EQUAL: [string, string][] = [
  ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
  [
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
  ],
  [
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
  ],
];

const DIFFERENT: [string, string][] = [
  ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
  ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
  ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
];

test('URIs that are the same by RFC 3261 section 19.1.4', (t) => {
  for (const [a, b] of EQUAL) {
    t.true(uriEquals(parseUri(a), parseUri(b)), `${a} ${b}`);
    t.true(uriEquals(parseUri(b), parseUri(a)), `${b} ${a}`);
  }
});

test('URIs that are not', (t) => {
  for (const [a, b] of DIFFERENT) {
    t.false(uriEquals(parseUri(a), parseUri(b)), `${a} ${b}`);
    t.false(uriEquals(parseUri(b), parseUri(a)), `${b} ${a}`);
  }
});

test('IP versions', (t) => {
  t.deepEqual(
    ['192.0.2.1', '256.0.0.1', '1.2.3', 'example.com', 'a.1', '::1', '[::1]'].map(ipVersion),
    [4, 0, 0, 0, 0, 6, 6],
  );
});

const word = fc.stringMatching(/^[a-z0-9\-_.!~*'()&=+$,;?/%]{1,12}$/);
const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,8}$/);

test('what formatUri writes, parseUri reads as the same', (t) => {
  const uri = fc.record({
    scheme: fc.constantFrom('sip', 'sips'),
    user: fc.option(word),
    host: fc.constantFrom('example.com', '192.0.2.1', '[2001:db8::1]'),
    port: fc.option(fc.integer({ min: 1, max: 65535 })),
    params: fc.uniqueArray(fc.tuple(token, fc.option(token)), { selector: ([name]) => name.toLowerCase() }),
    headers: fc.constantFrom('', 'a=b&c=d'),
  });
  fc.assert(
    fc.property(uri, (parts) => {
      const params = parts.params.map(([name, value]) => (value === null ? `;${name}` : `;${name}=${value}`)).join('');
      const text = `${parts.scheme}:${parts.user === null ? '' : `${parts.user}@`}${parts.host}${
        parts.port === null ? '' : `:${parts.port}`
      }${params}${parts.headers ? `?${parts.headers}` : ''}`;
      const parsed = parseUri(text);
      t.is(formatUri(parsed), text);
      t.is(parsed.user ?? null, parts.user);
      t.is(parsed.port ?? null, parts.port);
      t.true(uriEquals(parsed, parseUri(formatUri(parsed))));
    }),
  );
});

test('any text gives a URI or a GrammarError', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `sip:${text}`),
      ),
      (text) => {
        try {
          const uri = parseUri(text);
          t.is(formatUri(parseUri(formatUri(uri))), formatUri(uri));
        } catch (error) {
          t.true(error instanceof GrammarError);
        }
      },
    ),
  );
});
