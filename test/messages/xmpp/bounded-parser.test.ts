import type { Element } from '@xmpp/component';
import test from 'ava';
import fc from 'fast-check';
import { boundedParser } from '../../../src/messages/xmpp/bounded-parser.js';

const OPEN = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

function parse(chunks: readonly string[], maxStanza = 1000): { elements: string[]; errors: string[]; ends: number } {
  const parser = new (boundedParser({ maxStanza, maxDepth: 8 }))();
  const got = { elements: [] as string[], errors: [] as string[], ends: 0 };
  parser.on('element', (element: Element) => got.elements.push(element.toString()));
  parser.on('error', (error: Error) => got.errors.push(error.message));
  parser.on('end', () => {
    got.ends++;
  });
  for (const chunk of chunks) parser.write(chunk);
  return got;
}

test('stanzas come out however the stream is cut', (t) => {
  const stanzas = [
    "<iq id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    '<message><body>Grüße &lt;&amp;&gt; 🙂</body></message>',
  ];
  const text = `${OPEN}${stanzas[0]} \n ${stanzas[1]}`;
  const whole = parse([text]).elements;
  t.is(whole.length, 2);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(text.length), { maxLength: 10 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      const chunks = at.slice(1).map((end, index) => text.slice(at[index], end));
      t.deepEqual(parse(chunks).elements, whole);
    }),
  );
});

test('what is too long or too deep ends the stream, once, and nothing comes after', (t) => {
  const after = '<iq/>'.repeat(3);
  const long = parse([OPEN, `<iq>${'x'.repeat(600)}`, 'x'.repeat(600), '</iq>', after]);
  t.deepEqual(long, { elements: [], errors: ['a stanza is longer than 1000 characters'], ends: 0 });
  t.deepEqual(parse([OPEN, `<iq a='${'x'.repeat(2000)}`, `'/>`, after]).errors.length, 1);
  t.deepEqual(parse([OPEN, `<${'a'.repeat(2000)}`, '/>', after]).errors.length, 1);
  const deep = parse([OPEN, '<a>'.repeat(100), '</a>'.repeat(100), after], 10_000);
  t.deepEqual(deep, { elements: [], errors: ['a stanza is deeper than 8 elements'], ends: 0 });
  const many = parse([OPEN, ...Array.from({ length: 500 }, () => "<iq id='many'/> ")]);
  t.is(many.elements.length, 500, 'only single stanzas are bounded');
});

test('servers do not send us elsewhere; what follows the end of the stream is not looked at', (t) => {
  const redirect =
    "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>evil.example</see-other-host></stream:error>";
  t.deepEqual(parse([OPEN, redirect, '<iq/>']), {
    elements: [],
    errors: ['the server sends us elsewhere (see-other-host)'],
    ends: 0,
  });
  t.deepEqual(parse([OPEN, '</stream:stream></x> text <iq/>', '<iq/>']), { elements: [], errors: [], ends: 1 });
});

const PIECES = [
  '<',
  '>',
  '/',
  'iq',
  ' a=',
  '"',
  "'",
  '&',
  '&#0;',
  '&amp;',
  '&x;',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '<?',
  '?>',
  'x',
  '\n',
  '</iq>',
  '<iq>',
  '</stream:stream>',
  ':',
  '=',
  '\u0000',
  '\ud800',
];

test('nothing that a server writes makes the parser throw', (t) => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.array(fc.constantFrom(...PIECES)).map((pieces) => pieces.join(''))),
      (opened, chunks) => {
        t.true(parse(opened ? [OPEN, ...chunks] : chunks).errors.length <= 1);
      },
    ),
    { numRuns: 2000 },
  );
});
