import test from 'ava';
import type { SipRequest } from '../../src/engine/message/index.js';
import { ApiStage } from '../ops/api-stage.js';
import { requestsIn } from './support.js';

/** What a caller may call himself, and write into Subject and headers of his own, that would be more than text somewhere. */
const NAMES = {
  'percent-encoded line end': 'Ada%0d%0aX-Injected: 1',
  'quoted pairs': 'Ada \\" <sip:boss@corp.example> \\\\',
  markup: '<script>alert(1)</script><img src=x onerror=alert(1)>',
  terminal: 'Ada\u001b[2J\u001b]0;owned\u0007',
  'format strings': '%s%s%n {{7*7}}',
  labels: 'Ada"} 1\\ncallwake_calls_total{trunk="x',
  'right to left': '\u202eadA\u2066',
  'folded line': 'Ada\r\n X-Injected: 1',
} as const;

test.serial(
  'names, subjects and headers of a caller stay texts: in the INVITE to the phone, the push, the log, the API and the metrics',
  async (t) => {
    t.timeout(120_000);
    const api = await ApiStage.start(t, { edge: 'path' });
    const { stage } = api;
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 20, answerDelayMs: 20 } });
    for (const [what, name] of Object.entries(NAMES)) {
      await phone.background();
      const quoted = name.includes('\\') ? name : name.replaceAll('"', '\\"');
      const before = stage.apple.received.length;
      const invites = requestsIn(phone.messages, 'INVITE').length;
      const call = stage.cucm.call({
        to: '2001',
        displayName: name.replaceAll('\r\n ', ' '),
        headers: [
          ['Subject', name],
          ['X-Custom', name],
          ['P-Asserted-Identity', `"${quoted}" <sip:1001@corp.example>`],
        ],
      });
      await call.answered;
      await call.hangup();
      const invite = requestsIn(phone.messages, 'INVITE')[invites] as SipRequest;
      t.false(invite.has('X-Injected'), what);
      t.is(invite.get('X-Custom')?.replaceAll(/ +/g, ' '), name.replaceAll('\r\n ', ' '), what);
      const push = stage.apple.received[before];
      t.is(typeof push?.payload, 'object', `${what}: the payload is JSON`);
      t.false(JSON.stringify(push?.headers).includes('Injected'), what);
    }
    t.deepEqual(stage.callwake.errors, [], 'each line of the log is JSON');
    const { text, headers, json } = await api.ask('/v1/calls');
    t.regex(headers.get('content-type') ?? '', /^application\/json/);
    t.is(text.match(/"callUuid"/g)?.length, Object.keys(NAMES).length, JSON.stringify(json).slice(0, 200));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
    t.notRegex(text, /[\u0000-\u0008\u001b]/);
    const page = await api.ask('/', { token: null });
    t.false(page.text.includes('onerror'));
    const metrics = (await api.ask('/metrics')).text;
    for (const line of metrics.split('\n').filter((text) => text !== '')) {
      t.regex(line, /^(#.*|[a-z_:0-9]+(\{([a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? \S+)$/);
    }
    t.notRegex(metrics, /Ada"|<script|owned|7\*7/);
    t.deepEqual(stage.faults(), []);
  },
);
