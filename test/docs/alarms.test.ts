import { readFileSync } from 'node:fs';
import test from 'ava';
import { ALARM_KINDS, ALARM_NAMES } from '../../src/ops/alarms/catalogue.js';
import { LASTING } from '../../src/push/apns/alarms.js';
import { reactions } from '../../src/push/apns/reactions.js';

test('docs/alarms.md tells of every alarm, with its severity, and of no other', (t) => {
  const rows = [...readFileSync('docs/alarms.md', 'utf8').matchAll(/^\| `(\w+)` \| ([\w, ]+) \|/gm)];
  const told = new Map(rows.map(([, name = '', severity = '']) => [name, severity]));
  const ofPushes = reactions.flatMap(({ alarm }) => (alarm === undefined ? [] : [alarm]));
  t.deepEqual([...told.keys()].sort(), [...new Set([...ALARM_NAMES, ...ofPushes])].sort());
  for (const [name, { severity, meaning, action }] of Object.entries(ALARM_KINDS)) {
    t.is(told.get(name), severity);
    t.true(meaning.length > 10 && action.length > 10, name);
  }
  for (const name of ofPushes) t.is(told.get(name), LASTING.has(name) ? 'alert' : 'error, event', name);
});
