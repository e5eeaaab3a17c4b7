import test from 'ava';
import fc from 'fast-check';
import { DialogError } from '../../../src/engine/dialog/errors.js';
import { SipParseError } from '../../../src/engine/message/index.js';
import { GrammarError } from '../../../src/grammar/error.js';
import { request, setup } from './support.js';

const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'PRACK',
  'UPDATE',
  'INFO',
  'NOTIFY',
  'SUBSCRIBE',
  'REFER',
  'OPTIONS',
  'REGISTER',
  'X',
];
const HEADERS = [
  'Contact',
  'Record-Route',
  'Route',
  'RAck',
  'RSeq',
  'Require',
  'Supported',
  'Expires',
  'Event',
  'Subscription-State',
  'Max-Forwards',
];
const odd = fc.oneof(
  fc.constantFrom(
    '<sip:a@b>',
    '*',
    '<sip:a@b;lr>, <sip:c>',
    '<sip:',
    '100rel',
    '1 1 INVITE',
    '0',
    '99999999999',
    'terminated;expires=x',
    '',
    ',,',
    '"',
  ),
  fc.string({ maxLength: 30 }).map((text) => text.replace(/[\r\n]/g, ' ')),
);
const header = fc.tuple(fc.constantFrom(...HEADERS), odd).map(([name, value]) => `${name}: ${value}\n`);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('in' as const),
    method: fc.constantFrom(...METHODS),
    cseq: fc.integer({ min: 1, max: 5 }),
    inside: fc.boolean(),
    branch: fc.constantFrom('z9hG4bKa', 'z9hG4bKb', 'z9hG4bKc'),
    headers: fc.array(header, { maxLength: 3 }).map((lines) => lines.join('')),
  }),
  fc.record({
    kind: fc.constant('answer' as const),
    index: fc.nat(20),
    status: fc.constantFrom(100, 180, 183, 200, 202, 302, 486, 503),
  }),
  fc.record({
    kind: fc.constant('send' as const),
    method: fc.constantFrom('BYE', 'INVITE', 'INFO', 'ACK', 'NOTIFY'),
    headers: fc.array(fc.tuple(fc.constantFrom(...HEADERS), odd), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
);

test('whatever comes in whatever order: no crash, and in the end nothing is left', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { clock, transport, user, layer } = setup();
      let tag = '';
      for (const what of steps) {
        try {
          if (what.kind === 'in') {
            const { method, cseq, branch, headers } = what;
            transport.receive(
              request(method, { cseq, branch, headers, ...(what.inside ? { toTag: tag || 'none' } : {}) }),
            );
          } else if (what.kind === 'answer') {
            const incoming = user.requests[what.index % Math.max(user.requests.length, 1)];
            const response = incoming?.respond({
              status: what.status,
              reason: '',
              headers: [['Require', '100rel']],
              body: Buffer.from('x'),
            });
            tag = response?.toTag ?? tag;
          } else if (what.kind === 'send') {
            const dialog = layer.dialogs.byId('call-1;from-tag=alice');
            const draft = { headers: what.headers, body: Buffer.alloc(0) };
            if (!dialog) continue;
            if (what.method === 'ACK') layer.client.ack(dialog, draft);
            else {
              const sent = layer.client.requestInDialog(dialog, what.method, draft, { onResponse() {} });
              if (sent instanceof Promise)
                sent.catch((error) => void (error instanceof DialogError || t.fail(String(error))));
            }
          } else clock.advance(what.ms);
        } catch (error) {
          const known = error instanceof DialogError || error instanceof GrammarError || error instanceof SipParseError;
          if (!known) throw error;
        }
      }
      await clock.advanceAsync(8 * 86_400_000);
      for (const incoming of user.requests) if (incoming.pending) incoming.reject(500);
      await clock.advanceAsync(200_000);
      const { client, server } = layer.transactions.counts;
      t.is(client + server, 0);
    }),
    { numRuns: 150 },
  );
  t.pass();
});
