import test from 'ava';
import fc from 'fast-check';
import { GrammarError } from '../../src/grammar/error.js';
import { canonicalName, headerKey } from '../../src/grammar/header-names.js';
import { splitList } from '../../src/grammar/list.js';
import { formatNameAddr, parseNameAddr } from '../../src/grammar/name-addr.js';
import { Params, quote, unquote } from '../../src/grammar/params.js';
import { randomBranch, randomCallId, randomTag } from '../../src/grammar/token.js';

test('parameters keep order and spelling, names are compared without case', (t) => {
  const params = Params.parse(';Tag=1 ; lr ; Text = "a;b\\"c" ;Q=0.5');
  t.deepEqual(
    [...params],
    [
      ['Tag', '1'],
      ['lr', undefined],
      ['Text', '"a;b\\"c"'],
      ['Q', '0.5'],
    ],
  );
  t.is(params.get('tag'), '1');
  t.is(params.get('LR'), '');
  t.is(params.get('none'), undefined);
  t.is(unquote(params.get('text') ?? ''), 'a;b"c');
  t.is(params.toString(), ';Tag=1;lr;Text="a;b\\"c";Q=0.5');
});

test('parameters are set in place, appended and deleted', (t) => {
  const params = Params.parse(';a=1;b;c=3');
  params.set('B', '2').set('d').set('a');
  t.true(params.delete('C'));
  t.false(params.delete('C'));
  t.is(params.toString(), ';a;b=2;d');
  t.is(params.size, 3);
  const copy = params.clone().set('e');
  t.false(params.has('e'));
  t.true(copy.has('e'));
});

for (const text of [';', ';;a', 'a', ';a=1,b', ';a="x', ';=1', ';a b', ';<a>']) {
  test(`no parameters: ${text}`, (t) => {
    t.throws(() => Params.parse(text), { instanceOf: GrammarError });
  });
}

test('quote and unquote undo each other', (t) => {
  fc.assert(fc.property(fc.string(), (text) => t.is(unquote(quote(text)), text)));
});

const NAME_ADDRS: [string, string | undefined, string, string][] = [
  ['<sip:a@b>', undefined, 'sip:a@b', ''],
  ['sip:a@b;tag=1', undefined, 'sip:a@b', ';tag=1'],
  ['"A, \\"B\\" <x>" <sip:a@b;lr>;tag=1', 'A, "B" <x>', 'sip:a@b;lr', ';tag=1'],
  ['caller<sip:caller@example.com>;tag=323', 'caller', 'sip:caller@example.com', ';tag=323'],
  ['J Rosenberg <sip:j@r> ; a = 1', 'J Rosenberg', 'sip:j@r', ';a=1'],
  ['Jürgen <sip:j@r>', 'Jürgen', 'sip:j@r', ''],
  ['*', undefined, '*', ''],
  ['<tel:+1201;phone-context=x>', undefined, 'tel:+1201;phone-context=x', ''],
];

for (const [text, display, uri, params] of NAME_ADDRS) {
  test(`name-addr: ${text}`, (t) => {
    const value = parseNameAddr(text);
    t.is(value.display, display);
    t.is(value.uri, uri);
    t.is(value.params.toString(), params);
    t.is(formatNameAddr(parseNameAddr(formatNameAddr(value))), formatNameAddr(value));
  });
}

for (const text of [
  '',
  'Bell, Alexander <sip:a@b>',
  '"Bell <sip:a@b>',
  '"Bell" sip:a@b',
  '<sip:a@b',
  '< sip:a@b >',
  '<>',
  'sip:a@b?x=y',
  'sip:a@b extra',
  '<sip:a@b> extra',
  '<sip:a@b>;;x',
  'nothing',
]) {
  test(`no name-addr: ${text}`, (t) => {
    t.throws(() => parseNameAddr(text), { instanceOf: GrammarError });
  });
}

test('a list splits at commas outside quotes and brackets', (t) => {
  t.deepEqual(splitList(' a , "b,\\",c" <sip:x,y> ;d=",", ,<e,f>'), ['a', '"b,\\",c" <sip:x,y> ;d=","', '<e,f>']);
  t.deepEqual(splitList(''), []);
  t.deepEqual(splitList(','), []);
  t.deepEqual(splitList('"never, ends'), ['"never, ends']);
});

test('lists of plain words come back as they were joined', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z"<]?[a-z0-9;=:@.]{1,9}$/).filter((word) => !/["<]/.test(word))),
      (words) => {
        t.deepEqual(splitList(words.join(' , ')), words);
      },
    ),
  );
});

test('grammar functions take time in proportion to the text', (t) => {
  const long = 200_000;
  for (const evil of ['"', '\\', '<', ';', ' ', ',', ';a', '\t;', '"\\']) {
    const text = evil.repeat(long);
    for (const parse of [parseNameAddr, splitList, (value: string) => Params.parse(value)]) {
      try {
        parse(text);
      } catch (error) {
        t.true(error instanceof GrammarError);
      }
    }
  }
  t.pass();
});

test('header names', (t) => {
  t.deepEqual(['v', 'V', 'call-id', 'CALL-ID', 'i', 'cseq', 'www-authenticate', 'X-Mine', 'l'].map(canonicalName), [
    'Via',
    'Via',
    'Call-ID',
    'Call-ID',
    'Call-ID',
    'CSeq',
    'WWW-Authenticate',
    'X-Mine',
    'Content-Length',
  ]);
  t.is(headerKey('X-Mine'), 'x-mine');
  t.is(headerKey('F'), 'from');
});

test('tags, branches and Call-IDs are tokens and differ', (t) => {
  const made = new Set<string>();
  for (let i = 0; i < 3000; i++) for (const text of [randomTag(), randomBranch(), randomCallId()]) made.add(text);
  t.is(made.size, 9000);
  for (const text of made) if (!/^(z9hG4bK)?[a-z2-7]{16,26}$/.test(text)) t.fail(text);
});
