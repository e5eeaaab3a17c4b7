import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { ApiStage } from '../ops/api-stage.js';
import { asked, type Said } from '../support/asked.js';

const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };
const UUID = /\b[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}\b/;
const page = readFileSync('docs/operations.md', 'utf8');

interface Printed {
  readonly command: string;
  /** What the guide shows of its output. */
  readonly output: readonly string[];
}

/** The commands under a heading of the guide, with what they print there. */
function under(heading: string): Printed[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...section.matchAll(/^```\n\$ callwake (.*?)\n```$/gms)].flatMap(([, block = '']) =>
    block.split('\n$ callwake ').map((text) => {
      const [command = '', ...output] = text.split('\n');
      return { command, output };
    }),
  );
}

const words = (line: string | undefined): string => (line ?? '').trim().replace(/ {2,}/g, '|');

function sameHeadings(t: ExecutionContext, stdout: string, { output, command }: Printed): void {
  t.is(words(stdout.split('\n')[0]), words(output[0]), command);
}

test('the tasks of an engineer, done with the commands that the guide prints', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-tasks-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const api = await ApiStage.start(t, {
    trunk: { hold: '2s' },
    config: { timeline: { folder, messages: true } },
  });
  const { stage } = api;
  const phone = await stage.phone({ behaviour: QUICK });
  const deaf = await stage.phone({ user: '2002', behaviour: { ...QUICK, deaf: true } });
  const gone = await stage.phone({ user: '2003', behaviour: QUICK });
  for (const one of [phone, deaf, gone]) await one.background();
  stage.apple.unregisterToken(String(gone.identity.voipToken));
  let uuid = '';
  const alone = async (...args: readonly string[]): Promise<Said> => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['build/src/cli.js', ...args, '--url', api.url, '--config', stage.configFile],
      { timeout: 50_000 },
    );
    return { status: 0, stdout, stderr };
  };
  const run = async ({ command }: Printed, status = 0): Promise<string> => {
    const args = command
      .replace('./calls', folder)
      .replace('call.pcapng', join(folder, 'call.pcapng'))
      .replace(UUID, uuid);
    const words = args.split(' ');
    const said = await (words[0] === 'call' ? alone : asked(api.url, stage))(...words);
    t.is(said.status, status, `${command}: ${said.stderr}`);
    return said.stdout;
  };

  await stage.cucm.call({ to: '2003', from: '1001' }).ended;
  await stage.cucm.call({ to: '2002', from: '2001' }).ended;

  const [list, ladder] = under("Why did yesterday's call from 2001 to 2002 not ring?");
  if (list === undefined || ladder === undefined) return t.fail('the guide has no such commands');
  // The line is written a while after the end.
  let found = '';
  for (let n = 0; n < 300 && !UUID.test(found); n++) {
    found = await run(list);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  sameHeadings(t, found, list);
  t.regex(found, / 2001 +2002 +not-woken \(480\) /);
  uuid = UUID.exec(found)?.[0] ?? '';
  const drawn = await run(ladder);
  for (const line of ['VoIP push', 'hold over', 'end: not-woken']) t.true(drawn.includes(line), line);

  const [wakes, doesNot] = under('Does a phone wake?');
  if (wakes === undefined || doesNot === undefined) return t.fail('the guide has no such commands');
  t.regex(await run(wakes), /\nThe phone wakes: back in \d+ ms\.\n$/);
  t.regex(await run(doesNot, 1), /\nIt broke at register: no REGISTER within 2 s\. Apple took the push/);

  const [refused, devices] = under("Which phones' tokens has Apple refused?");
  if (refused === undefined || devices === undefined) return t.fail('the guide has no such commands');
  const tokens = await run(refused);
  sameHeadings(t, tokens, refused);
  t.is(tokens.split('\n').length, 3);
  t.regex(tokens, / 2003@corp\.example .* voip +Unregistered +no\n$/);
  const shown = await run(devices);
  sameHeadings(t, shown, devices);
  t.regex(shown, / registered, no VoIP push token +1 +none /);

  const [find] = under('Find phones');
  if (find === undefined) return t.fail('the guide has no such command');
  const suspended = await run(find);
  sameHeadings(t, suspended, find);
  t.regex(suspended, /\n2002@corp\.example /);

  const [capture] = under('Export a call for Wireshark');
  if (capture === undefined) return t.fail('the guide has no such command');
  t.regex(await run(capture), /call\.pcapng: \d+ bytes\n$/);
  const read = (...args: string[]): string =>
    execFileSync('tshark', ['-r', join(folder, 'call.pcapng'), '-n', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const fields = ['sip.Method', 'sip.Status-Code', 'sip.CSeq.method', 'sip.Call-ID'].flatMap((name) => ['-e', name]);
  const messages = read('-Y', 'sip', '-T', 'fields', ...fields)
    .trim()
    .split('\n');
  const flow = messages.map((line) => line.split('\t').slice(0, 3).join(' ').trim());
  t.deepEqual(flow, ['INVITE  INVITE', '480 INVITE'], 'the trunk’s side of the call that did not ring');
  t.is(new Set(messages.map((line) => line.split('\t')[3])).size, 1);
  const whole = read('-V');
  t.false(/\bMalformed\b/.test(whole));
  for (const note of ['callwake -> apns: VoIP push', 'apns -> callwake: 200', 'callwake: hold over']) {
    t.true(whole.includes(note), note);
  }

  const held = stage.cucm.call({ to: '2002', from: '1001' });
  while ((await api.ask('/v1/calls?state=held')).json.total !== 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const [drain, undo] = under('Take a node out of service without losing a call');
  if (drain === undefined || undo === undefined) return t.fail('the guide has no such commands');
  t.is((await run(drain)).trim(), drain.output.join('\n'));
  const { status } = await held.ended;
  t.is(status, 480, 'the held call went on to its end');
  t.is((await stage.cucm.call({ to: '2001', from: '1001' }).ended).status, 503);
  t.is((await run(undo)).trim(), undo.output.join('\n'));
  const call = stage.cucm.call({ to: '2001', from: '1001' });
  await call.answered;
  await call.hangup();
  t.deepEqual(stage.faults(), []);
});
