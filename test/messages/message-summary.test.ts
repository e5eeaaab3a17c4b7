import test from 'ava';
import { parseMessageSummary } from '../../src/messages/message-summary.js';

for (const [body, counts] of [
  ['Messages-Waiting: yes\r\nMessage-Account: sip:vm@corp.example\r\nVoice-Message: 2/8 (0/2)\r\n', { new: 2, old: 8 }],
  ['messages-waiting: NO\nvoice-message: 0/3', { new: 0, old: 3 }],
  ['Messages-Waiting: yes\r\n', { new: 1, old: 0 }],
  ['Messages-Waiting: no', { new: 0, old: 0 }],
  ['Messages-Waiting: yes\r\nVoice-Message: many', { new: 1, old: 0 }],
  ['Messages-Waiting: perhaps', undefined],
  ['', undefined],
] as const) {
  test(`message-summary: ${JSON.stringify(body)}`, (t) => {
    t.deepEqual(parseMessageSummary(body), counts);
  });
}
