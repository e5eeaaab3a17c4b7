import { type ExecFileSyncOptionsWithStringEncoding, execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { stageFor } from './support.js';

test.serial('a call that woke a phone, for Wireshark and on disk: both legs, the push, no secret', async (t) => {
  const stage = await stageFor(t, {
    edge: 'path',
    config: {
      timeline: { messages: true, folder: 'calls' },
      api: { port: 0, loopbackWithoutToken: true, jwt: { secret: 'a secret of at least 32 characters' } },
    },
  });
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  t.is((await call.answered).status, 200);
  await call.hangup();
  const { callUuid } = await stage.callwake.logged('end');
  const { url } = await stage.callwake.logged('api listening');
  const capture = await fetch(`${url}/v1/calls/${callUuid}/capture`);
  t.is(capture.status, 200);
  t.is(capture.headers.get('content-type'), 'application/x-pcapng');
  const folder = dirname(stage.configFile);
  const file = join(folder, 'call.pcapng');
  writeFileSync(file, Buffer.from(await capture.arrayBuffer()));
  const read = (...args: string[]): string => execFileSync('tshark', ['-r', file, '-n', ...args], QUIET);
  const cells = read('-Y', 'sip', '-T', 'fields', '-E', 'separator=,', '-e', 'sip.Method', '-e', 'sip.Status-Code');
  const messages = cells.split('\n').map((line) => line.replace(/,/g, ''));
  t.is(messages.filter((message) => message === 'INVITE').length, 2, cells);
  for (const expected of ['180', '200', 'ACK', 'BYE']) t.true(messages.includes(expected), `${expected}: ${cells}`);
  const text = read('-V');
  t.regex(text, /callwake -> apns: VoIP push/);
  t.notRegex(text, /Malformed/);
  const { voipToken = '?' } = phone.identity;
  const detail = await (await fetch(`${url}/v1/calls/${callUuid}`)).text();
  for (const shown of [text, detail]) t.false(shown.includes(voipToken) || shown.includes('m=audio'));

  const ladder = await cli('call', String(callUuid), '--config', stage.configFile, '--url', String(url));
  t.regex(ladder, /callwake\s+APNs/);
  t.regex(ladder, /VoIP push ─*▶/);
  await stage.callwake.stop();
  const calls = join(folder, 'calls');
  t.true(existsSync(calls));
  const [name = ''] = readdirSync(calls);
  const [line = ''] = readFileSync(join(calls, name), 'utf8').split('\n');
  const logged = JSON.parse(line);
  t.is(logged.summary.callUuid, callUuid);
  const told = logged.events.map(({ type, fields }: { type: string; fields: { what?: string; devices?: number } }) =>
    [type, fields.what ?? fields.devices ?? ''].join(' ').trim(),
  );
  for (const event of ['devices-read 1', 'journal-written held: 1 pushed', 'journal-written up', 'end']) {
    t.true(told.includes(event), `${event}: ${told}`);
  }
  t.is(told.at(-1), 'journal-written removed');
  t.is(logged.messages.filter((message: { text: string }) => message.text.startsWith('INVITE ')).length, 2);
  t.false(line.includes(voipToken));
  t.is(await cli('call', logged.summary.callId, '--folder', calls), ladder);
  const again = join(folder, 'again.pcapng');
  t.regex(
    await cli('call', logged.summary.sessionId, '--folder', calls, '--pcapng', again),
    /again\.pcapng: \d+ bytes/,
  );
  t.is(execFileSync('tshark', ['-r', again, '-Y', 'sip.Method == "INVITE"'], QUIET).trim().split('\n').length, 2);
  t.is(JSON.parse(await cli('call', String(callUuid), '--folder', calls, '--json')).summary.callUuid, callUuid);
  await t.throwsAsync(() => cli('call', 'nobody', '--folder', calls), { message: /There is no call nobody/ });
});

const QUIET: ExecFileSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };

/** What a command prints. */
async function cli(...args: string[]): Promise<string> {
  const program = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
  return (await promisify(execFile)(process.execPath, [program, ...args])).stdout;
}
