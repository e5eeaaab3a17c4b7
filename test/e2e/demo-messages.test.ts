import test from 'ava';
import { runNotified } from '../../src/demo/notified.js';
import { externalEngine } from './support.js';

if (externalEngine === undefined) {
  test.serial('the demo of messages ends as its story tells, drawn as a ladder', async (t) => {
    const lines: string[] = [];
    const code = await runNotified({
      scenario: 'message',
      edge: 'path',
      transport: 'tcp',
      write: (line) => lines.push(line),
    });
    t.is(code, 0, lines.join('\n'));
    t.is(lines.filter((line) => /alert push ─/.test(line)).length, 2);
    t.is(lines.filter((line) => /MESSAGE .*▶/.test(line)).length, 6);
  });
}
