import test from 'ava';
import fc from 'fast-check';
import { CommandError, ProtocolError } from '../../../src/engine/control/command-error.js';
import { RouteTable } from '../../../src/engine/control/routes.js';
import { parseSipText } from '../../../src/engine/control/sip-text.js';
import { formatTime, parseCommand, parseDuration } from '../../../src/engine/control/wire.js';

const command = (text: string) => parseCommand(Buffer.from(text));

test('commands as drachtio-srf writes them', (t) => {
  t.like(command('id|authenticate|s3cret|a,b'), { type: 'authenticate', id: 'id', secret: 's3cret', tags: ['a', 'b'] });
  t.deepEqual(command('id|authenticate|s3cret|'), { type: 'authenticate', id: 'id', secret: 's3cret', tags: [] });
  t.deepEqual(command('id|route|INVITE'), { type: 'route', id: 'id', verb: 'invite' });
  t.deepEqual(command('id|route|cdr:attempt'), { type: 'route', id: 'id', verb: 'cdr:attempt' });
  t.like(command('id|sip|TXN|\r\nSIP/2.0 200 OK\r\n'), { transaction: 'TXN', dialog: '', proxy: '' });
  t.like(command('id|sip||c;from-tag=x\r\nBYE sip:placeholder SIP/2.0\r\n'), {
    transaction: '',
    dialog: 'c;from-tag=x',
  });
  t.like(command('id|sip|||sip:edge:5061;transport=tls\r\nINVITE sip:a SIP/2.0\r\n'), {
    proxy: 'sip:edge:5061;transport=tls',
  });
  t.like(
    command(
      'id|proxy|TXN||fullResponse|followRedirects|simultaneous|2s|9000ms|sip:a|sip:b\r\nINVITE sip:a SIP/2.0\r\n',
    ),
    {
      transaction: 'TXN',
      recordRoute: false,
      fullResponse: true,
      followRedirects: true,
      simultaneous: true,
      provisionalTimeout: 2000,
      finalTimeout: 9000,
      destinations: ['sip:a', 'sip:b'],
    },
  );
});

test('what is no command is refused', (t) => {
  t.throws(() => command('x'), { instanceOf: ProtocolError, message: 'Invalid message format' });
  t.throws(() => command('x|y'), { instanceOf: ProtocolError, message: 'Unknown message type' });
  t.throws(() => command('x|route|a b'), { instanceOf: ProtocolError });
});

test('any text is a command or a clear error', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        const parsed = parseCommand(Buffer.from(text));
        if (parsed.type === 'sip' || parsed.type === 'proxy') parseSipText(parsed.sip);
      } catch (error) {
        t.true(error instanceof ProtocolError || error instanceof CommandError);
      }
    }),
  );
  t.pass();
});

test('SIP text: the body is what follows the headers, whatever Content-Length says', (t) => {
  const text = parseSipText(
    Buffer.from('SIP/2.0 183 Session Progress\r\nx-a: 1\r\nx-b: 2\r\n  folded\r\ncontent-length: 3\r\n\r\ngrüß'),
  );
  t.deepEqual(text.start, { kind: 'response', status: 183, reason: 'Session Progress' });
  t.deepEqual(text.headers, [
    ['x-a', '1'],
    ['x-b', '2 folded'],
    ['content-length', '3'],
  ]);
  t.is(text.body.toString(), 'grüß');
  const request = parseSipText(Buffer.from('invite sip:a@b SIP/2.0\r\n\r\n'));
  t.deepEqual(request.start, { kind: 'request', method: 'INVITE', uri: 'sip:a@b' });
});

test('SIP text that would smuggle a header or has no start line is refused', (t) => {
  for (const text of [
    '',
    'INVITE',
    'INVITE sip:a',
    'INVITE sip:a b SIP/2.0',
    'SIP/2.0 99 x',
    'SIP/2.0 abc',
    'INVITE sip:a SIP/2.0\r\nno colon',
  ]) {
    t.throws(() => parseSipText(Buffer.from(text)), { instanceOf: CommandError }, text);
  }
  t.throws(() => parseSipText(Buffer.from('INVITE sip:a SIP/2.0\r\nx: a\nVia: b\r\n')), { message: /line break/ });
  t.throws(() => parseSipText(Buffer.from('INVITE sip:a SIP/2.0\r\nx y: a\r\n')), { message: /invalid header/ });
});

test('times and durations', (t) => {
  t.is(formatTime(Date.parse('2026-01-05T08:09:07.043Z')), '08:09:07.043000');
  t.is(parseDuration('2s'), 2000);
  t.is(parseDuration('1500ms'), 1500);
  t.is(parseDuration('20'), 20_000);
  t.is(parseDuration(''), undefined);
  t.is(parseDuration('2 s'), undefined);
});

test('routes: turns by weight, only that verb is removed, busy clients are passed over', (t) => {
  const routes = new RouteTable<string>();
  routes.add('invite', 'a');
  routes.add('invite', 'b');
  routes.add('invite', 'b');
  routes.add('bye', 'a');
  const turns = Array.from({ length: 6 }, () => routes.next('invite'));
  t.deepEqual(turns.filter((client) => client === 'b').length, 4);
  t.is(
    routes.next('invite', (client) => client === 'a'),
    'a',
  );
  t.is(
    routes.next('invite', () => false),
    undefined,
  );
  routes.remove('invite', 'a');
  t.is(routes.next('bye'), 'a');
  t.is(routes.next('invite'), 'b');
  routes.removeClient('b');
  t.false(routes.has('invite'));
  t.is(routes.next('options'), undefined);
});
