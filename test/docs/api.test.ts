import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';
import { SCOPES } from '../../src/ops/http/scopes.js';
import { ApiStage, token } from '../ops/api-stage.js';

const text = readFileSync('docs/api.md', 'utf8');

test('docs/api.md names every scope', (t) => {
  const named = [...text.matchAll(/^\| `(\w+:\w+)` \|/gm)].map((match) => match[1]);
  t.deepEqual(named, Object.keys(SCOPES));
});

test('the examples of docs/api.md do what they say', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '120s' } });
  const phone = await api.stage.phone({ user: '2050', behaviour: { wakeDelayMs: 600_000 } });
  await phone.background();
  api.stage.cucm.call({ to: '2050' });
  const { callUuid } = await api.stage.callwake.logged('push-accepted');
  const examples = [...text.matchAll(/^```sh\n(.*?)\n```$/gms)].map((match) => match[1] ?? '');
  t.true(examples.length >= 9);
  for (const example of examples) {
    const env = { PATH: process.env.PATH, API: api.url, TOKEN: token(), CALL: String(callUuid) };
    const script = example.replace(/^curl -sS/, 'curl -sS --max-time 20 -w "\\n%{http_code}"');
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env });
    t.regex(stdout, /\n20[01]$/, `${example}: ${stdout}`);
  }
});
