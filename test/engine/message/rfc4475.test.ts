import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  parseMessage,
  type SipMessage,
  SipParseError,
  type SipRequest,
  type SipResponse,
} from '../../../src/engine/message/index.js';
import { hasMagicCookie } from '../../../src/engine/transaction/matching.js';
import { parseNameAddr } from '../../../src/grammar/name-addr.js';
import { parseUri } from '../../../src/grammar/uri.js';

const FOLDER = 'test/fixtures/rfc4475';

type Check<M> = (t: ExecutionContext, message: M) => void;

/** Refused while parsing. `answered`: with that status; otherwise dropped (bad responses). */
interface Refused {
  status: number;
  reason: RegExp;
  answered: boolean;
}

type Case = { request: Check<SipRequest> } | { response: Check<SipResponse> } | { refused: Refused };

const refused = (status: number, reason: RegExp, answered = true): Case => ({ refused: { status, reason, answered } });

/** RFC 4475, in its order: section, file, what comes of it. */
const CASES: [section: string, file: string, expected: Case][] = [
  [
    '3.1.1.1 a short tortuous INVITE',
    'wsinv',
    {
      request: (t, m) => {
        t.is(m.uri, 'sip:vivekg@chair-dnrc.example.com;unknownparam');
        t.is(m.toTag, '1918181833n');
        t.is(m.from.display, 'J Rosenberg \\"');
        t.is(m.fromTag, '98asjd8');
        t.is(m.maxForwards, 68);
        t.deepEqual(m.cseq, { number: 9, method: 'INVITE' });
        t.is(m.list('Via').length, 3);
        t.like(m.via, { protocol: 'UDP', host: '192.0.2.2', branch: '390skdjuw' });
        t.is(m.get('Subject'), '');
        t.is(m.get('NewFangledHeader'), 'newfangled value continued newfangled value');
        t.is(m.get('UnknownHeaderWithUnusualValue'), ';;,,;;,;');
        t.is(
          parseNameAddr(m.list('Route')[0] ?? '').uri,
          'sip:services.example.com;lr;unknownwith=value;unknown-no-value',
        );
        const contact = parseNameAddr(m.list('Contact')[0] ?? '');
        t.is(contact.display, 'Quoted string ""');
        t.is(contact.params.toString(), ';newparam=newvalue;secondparam;q=0.33');
        t.is(m.body.length, 150);
      },
    },
  ],
  [
    '3.1.1.2 wide range of valid characters',
    'intmeth',
    {
      request: (t, m) => {
        t.is(m.method, "!interesting-Method0123456789_*+`.%indeed'~");
        t.is(m.parsedUri.host, 'example.com');
        t.is(m.parsedUri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
        t.is(m.parsedUri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
        t.is(m.via.branch, "z9hG4bK-.!%66*_+`'~");
        t.is(m.to.display, 'BEL:\x07 NUL:\x00 DEL:\x7f');
        t.is(m.from.display, "token1~` token2'+_ token3*%!.-");
        t.is(m.from.params.get("fromParam''~+*_!.-%"), '"работающий"');
        t.is(m.fromTag, "_token~1'+`*%!-.");
        t.is(m.callId, 'intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
        t.is(m.cseq.number, 139122385);
        t.is(m.maxForwards, 255);
        t.is(m.get("extensionHeader-!.%*+_`'~"), '\ufeff大停電');
      },
    },
  ],
  [
    '3.1.1.3 valid use of the % escaping mechanism',
    'esc01',
    {
      request: (t, m) => {
        t.is(m.parsedUri.user, 'sips%3Auser%40example.com');
        t.is(m.parsedUri.host, 'example.net');
        const contact = parseUri(parseNameAddr(m.list('Contact')[0] ?? '').uri);
        t.is(contact.user, 'cal%6Cer');
        t.is(contact.params.get('n%61me'), 'v%61lue%25%34%31');
      },
    },
  ],
  [
    '3.1.1.4 escaped nulls in URIs',
    'escnull',
    {
      request: (t, m) => {
        t.is(m.to.uri, 'sip:null-%00-null@example.com');
        t.deepEqual(
          m.list('Contact').map((text) => parseUri(parseNameAddr(text).uri).user),
          ['%00', '%00%00'],
        );
      },
    },
  ],
  [
    '3.1.1.5 use of % when it is not an escape',
    'esc02',
    {
      request: (t, m) => {
        t.is(m.method, 'RE%47IST%45R');
        t.is(m.to.display, '%Z%45');
        t.deepEqual(m.list('Contact'), ['<sip:alias1@host1.example.com>', '<sip:alias3@host3.example.com>']);
        t.is(m.get('C%6Fntact'), '<sip:alias2@host2.example.com>');
      },
    },
  ],
  [
    '3.1.1.6 message with no LWS between display name and <',
    'lwsdisp',
    {
      request: (t, m) => {
        t.is(m.from.display, 'caller');
        t.is(m.from.uri, 'sip:caller@example.com');
        t.is(m.fromTag, '323');
      },
    },
  ],
  [
    '3.1.1.7 long values in header fields',
    'longreq',
    {
      request: (t, m) => {
        t.is(m.to.display, `I have a user name of ${'extreme'.repeat(10)} proportion`);
        t.true(m.callId.length > 100);
        t.true(m.list('Via').length > 30);
        t.is(m.body.length, 150);
      },
    },
  ],
  [
    '3.1.1.8 extra trailing octets in a UDP datagram: the second message is left out',
    'dblreq',
    {
      request: (t, m) => {
        t.is(m.method, 'REGISTER');
        t.is(m.body.length, 0);
      },
    },
  ],
  [
    '3.1.1.9 semicolon-separated parameters in URI user part',
    'semiuri',
    {
      request: (t, m) => {
        t.is(m.parsedUri.user, 'user;par=u%40example.net');
        t.is(m.parsedUri.params.size, 0);
      },
    },
  ],
  [
    '3.1.1.10 varied and unknown transport types',
    'transports',
    {
      request: (t, m) => {
        t.is(m.list('Via').length, 5);
        t.like(m.via, { protocol: 'UDP', host: 't1.example.com' });
      },
    },
  ],
  [
    '3.1.1.11 multipart MIME message: every byte of the body stays',
    'mpart01',
    {
      request: (t, m) => {
        t.regex(m.get('Content-Type') ?? '', /^multipart\/mixed/);
        t.true(m.body.includes(0));
        t.is(m.body.length, Number(m.get('Content-Length')));
      },
    },
  ],
  [
    '3.1.1.12 unusual reason phrase',
    'unreason',
    {
      response: (t, m) => {
        t.is(m.reason, '= 2**3 * 5**2 но сто девяносто девять - простое');
      },
    },
  ],
  ['3.1.1.13 empty reason phrase', 'noreason', { response: (t, m) => t.is(m.reason, '') }],
  ['3.1.2.1 extraneous header field separators', 'badinv01', refused(400, /^Via/)],
  ['3.1.2.2 content length larger than message', 'clerr', refused(400, /Content-Length beyond/)],
  ['3.1.2.3 negative content length', 'ncl', refused(400, /Content-Length/)],
  ['3.1.2.4 request scalar fields with overlarge values', 'scalar02', refused(400, /CSeq/)],
  ['3.1.2.5 response scalar fields with overlarge values', 'scalarlg', refused(400, /CSeq/, false)],
  ['3.1.2.6 unterminated quoted string in display name', 'quotbal', refused(400, /^To: Quoted/)],
  ['3.1.2.7 <> enclosing Request-URI', 'ltgtruri', refused(400, /Request-URI/)],
  ['3.1.2.8 malformed SIP Request-URI (embedded LWS)', 'lwsruri', refused(400, /Request-URI/)],
  ['3.1.2.9 multiple SP separating Request-Line elements', 'lwsstart', refused(400, /Request-URI/)],
  ['3.1.2.10 SP characters at end of Request-Line', 'trws', refused(400, /start line/)],
  ['3.1.2.11 escaped headers in SIP Request-URI', 'escruri', refused(400, /Headers in the Request-URI/)],
  ['3.1.2.12 invalid time zone in Date header field', 'baddate', refused(400, /Date/)],
  ['3.1.2.13 failure to enclose name-addr URI in <>', 'regbadct', refused(400, /^Contact/)],
  ['3.1.2.14 spaces within addr-spec', 'badaspec', refused(400, /^To/)],
  ['3.1.2.15 non-token characters in display name', 'baddn', refused(400, /^From/)],
  ['3.1.2.16 unknown protocol version', 'badvers', refused(505, /Version/)],
  ['3.1.2.17 start line and CSeq method mismatch', 'mismatch01', refused(400, /CSeq/)],
  ['3.1.2.18 unknown method with CSeq method mismatch', 'mismatch02', refused(400, /CSeq/)],
  ['3.1.2.19 overlarge response code', 'bigcode', refused(400, /status line/, false)],
  [
    '3.2.1 missing transaction identifier: RFC 2543 matching (transaction layer)',
    'badbranch',
    { request: (t, m) => t.false(hasMagicCookie(m)) },
  ],
  ['3.3.1 missing required header fields', 'insuf', refused(400, /Missing/)],
  [
    '3.3.2 request-URI with unknown scheme: 416 is the upper layers’ answer',
    'unkscm',
    { request: (t, m) => t.is(m.parsedUri.scheme, 'nobodyknowsthisscheme') },
  ],
  [
    '3.3.3 request-URI with known but atypical scheme: 416 is the upper layers’ answer',
    'novelsc',
    { request: (t, m) => t.is(m.parsedUri.scheme, 'soap.beep') },
  ],
  [
    '3.3.4 unknown URI schemes in header fields: for the registrar to judge',
    'unksm2',
    { request: (t, m) => t.is(m.to.uri, 'isbn:2983792873') },
  ],
  [
    '3.3.5 Proxy-Require and Require: 420 is the upper layers’ answer',
    'bext01',
    {
      request: (t, m) => {
        t.deepEqual(m.list('Require'), ['nothingSupportsThis', 'nothingSupportsThisEither']);
        t.deepEqual(m.list('Proxy-Require'), ['noProxiesSupportThis', 'norDoAnyProxiesSupportThis']);
      },
    },
  ],
  [
    '3.3.6 unknown Content-Type: 415 is the upper layers’ answer',
    'invut',
    { request: (t, m) => t.is(m.get('Content-Type'), 'application/unknownformat') },
  ],
  [
    '3.3.7 unknown authorization scheme: for the registrar to judge',
    'regaut01',
    { request: (t, m) => t.regex(m.get('Authorization') ?? '', /^NoOneKnowsThisScheme /) },
  ],
  ['3.3.8 multiple values in single value required fields', 'multi01', refused(400, /More than one/)],
  ['3.3.9 multiple Content-Length values', 'mcl01', refused(400, /Content-Length/)],
  [
    '3.3.10 200 OK response with broadcast Via: matches no transaction, so it is dropped there',
    'bcast',
    { response: (t, m) => t.is(m.list('Via').length, 2) },
  ],
  ['3.3.11 Max-Forwards of zero: 483 is a proxy’s answer', 'zeromf', { request: (t, m) => t.is(m.maxForwards, 0) }],
  [
    '3.3.12 REGISTER with a Contact header parameter',
    'cparam01',
    {
      request: (t, m) => {
        const contact = parseNameAddr(m.get('Contact') ?? '');
        t.is(contact.uri, 'sip:+19725552222@gw1.example.net');
        t.true(contact.params.has('unknownparam'));
      },
    },
  ],
  [
    '3.3.13 REGISTER with a URL parameter',
    'cparam02',
    {
      request: (t, m) => {
        const contact = parseNameAddr(m.get('Contact') ?? '');
        t.is(contact.params.size, 0);
        t.true(parseUri(contact.uri).params.has('unknownparam'));
      },
    },
  ],
  [
    '3.3.14 REGISTER with a URL escaped header',
    'regescrt',
    {
      request: (t, m) =>
        t.is(parseUri(parseNameAddr(m.get('Contact') ?? '').uri).headers, 'Route=%3Csip:sip.example.com%3E'),
    },
  ],
  [
    '3.3.15 unacceptable Accept offering: 406 is the upper layers’ answer',
    'sdp01',
    { request: (t, m) => t.is(m.get('Accept'), 'text/nobodyKnowsThis') },
  ],
  [
    '3.4.1 INVITE with RFC 2543 syntax',
    'inv2543',
    {
      request: (t, m) => {
        t.false(hasMagicCookie(m));
        t.is(m.fromTag, undefined);
        t.is(m.maxForwards, undefined);
        t.is(m.to.uri, 'sip:+16505552222@ss1.example.net');
        t.regex(m.body.toString(), /^v=0/);
      },
    },
  ],
];

function withoutLength(message: SipMessage): [string, string][] {
  return [...message.headers()].filter(([name]) => !/^(l|content-length)$/i.test(name));
}

for (const [section, file, expected] of CASES) {
  test(`${section} (${file})`, (t) => {
    const data = readFileSync(`${FOLDER}/${file}.dat`);
    if ('refused' in expected) {
      const { status, reason, answered } = expected.refused;
      const error = t.throws(() => parseMessage(data), { instanceOf: SipParseError });
      t.is(error?.status, status);
      t.regex(error?.reason ?? '', reason);
      t.is(error?.request !== undefined, answered);
      return;
    }
    const message = parseMessage(data);
    if ('request' in expected && message.kind === 'request') expected.request(t, message);
    else if ('response' in expected && message.kind === 'response') expected.response(t, message);
    else t.fail(`It is a ${message.kind}`);
    const again = parseMessage(message.toBuffer());
    t.deepEqual(withoutLength(again), withoutLength(message));
    t.deepEqual(Buffer.from(again.body), Buffer.from(message.body));
  });
}

test('every message of the collection is in the table', (t) => {
  const files = readdirSync(FOLDER).map((file) => file.replace('.dat', ''));
  t.is(files.length, 49);
  t.deepEqual(CASES.map(([, file]) => file).sort(), files.sort());
});
