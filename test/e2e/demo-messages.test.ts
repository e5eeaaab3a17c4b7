import test from 'ava';
import { runNotified } from '../../src/demo/notified.js';
import { externalEngine } from './support.js';

if (externalEngine === undefined) {
  for (const [scenario, pushes, arrows] of [
    ['message', 2, /MESSAGE .*▶/],
    ['invitation', 1, /POST .*▶/],
  ] as const) {
    test.serial(`the demo of ${scenario}s ends as its story tells, drawn as a ladder`, async (t) => {
      const lines: string[] = [];
      const code = await runNotified({ scenario, edge: 'path', transport: 'tcp', write: (line) => lines.push(line) });
      t.is(code, 0, lines.join('\n'));
      t.is(lines.filter((line) => /alert push ─/.test(line)).length, pushes);
      t.is(lines.filter((line) => arrows.test(line)).length, scenario === 'message' ? 6 : 2);
    });
  }
}
