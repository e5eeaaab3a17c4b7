import { type ExecFileSyncOptionsWithStringEncoding, execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
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
  t.is((await call.request('INFO')).status, 200);
  await call.hangup();
  const { callUuid } = await stage.callwake.logged('end');
  const { url } = await stage.callwake.logged('api listening');
  t.deepEqual(await drawn(`${url}/v1/calls/${callUuid}`, 'phone > 200 (BYE)'), ANSWERED);
  await stage.phone({ user: '2002', behaviour: { answer: 'ignore' } });
  const given = stage.cucm.call({ to: '2002' });
  await given.response('18x');
  given.cancel();
  t.is((await given.ended).status, 487);
  const { calls } = (await (await fetch(`${url}/v1/calls?text=2002`)).json()) as { calls: { callUuid: string }[] };
  t.deepEqual(await drawn(`${url}/v1/calls/${calls[0]?.callUuid}`, 'phone > 487 (INVITE)'), CANCELLED);
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
  for (const both of ['180', 'ACK', 'INFO', 'BYE']) {
    t.is(messages.filter((message) => message === both).length, 2, `${both}: ${cells}`);
  }
  t.is(messages.filter((message) => message === '200').length, 6, cells);
  const text = read('-V');
  t.regex(text, /callwake -> trunk: 200 \(INVITE\)/);
  t.regex(text, /callwake -> apns: VoIP push/);
  t.notRegex(text, /Malformed/);
  const { voipToken = '?' } = phone.identity;
  const detail = await (await fetch(`${url}/v1/calls/${callUuid}`)).text();
  for (const shown of [text, detail]) t.false(shown.includes(voipToken) || shown.includes('m=audio'));

  const ladder = await cli('call', String(callUuid), '--config', stage.configFile, '--url', String(url));
  t.regex(ladder, /callwake\s+APNs/);
  t.regex(ladder, /VoIP push ─*▶/);
  t.regex(ladder, /◀─* 200 \(INVITE\) ─*│ .*\n(.*journal.*\n)?.*─ ACK ─*▶│/);
  await stage.callwake.stop();
  const files = join(folder, 'calls');
  t.true(existsSync(files));
  const [name = ''] = readdirSync(files);
  const [line = ''] = readFileSync(join(files, name), 'utf8').split('\n');
  const logged = JSON.parse(line);
  t.is(logged.summary.callUuid, callUuid);
  const told = logged.events.map(({ type, fields }: { type: string; fields: { what?: string; devices?: number } }) =>
    [type, fields.what ?? fields.devices ?? ''].join(' ').trim(),
  );
  const written = ['held: 1 pushed', 'up', 'removed'].map((what) => `journal-written ${what}`);
  for (const event of ['devices-read 1', ...written, 'end']) {
    t.true(told.includes(event), `${event}: ${told}`);
  }
  t.is(logged.messages.filter((message: { text: string }) => message.text.startsWith('INVITE ')).length, 2);
  t.false(line.includes(voipToken));
  t.is(await cli('call', logged.summary.callId, '--folder', files), ladder);
  const again = join(folder, 'again.pcapng');
  t.regex(
    await cli('call', logged.summary.sessionId, '--folder', files, '--pcapng', again),
    /again\.pcapng: \d+ bytes/,
  );
  t.is(execFileSync('tshark', ['-r', again, '-Y', 'sip.Method == "INVITE"'], QUIET).trim().split('\n').length, 2);
  t.is(JSON.parse(await cli('call', String(callUuid), '--folder', files, '--json')).summary.callUuid, callUuid);
  await t.throwsAsync(() => cli('call', 'nobody', '--folder', files), { message: /There is no call nobody/ });
});

/** A call that wakes a phone behind an edge, as its ladder shows it, but for Apple. */
const ANSWERED = [
  'trunk > INVITE',
  '> trunk 100',
  'phone > REGISTER (path)',
  '> phone INVITE (path)',
  'phone > 180',
  '> trunk 180',
  'phone > 200 (INVITE)',
  '> trunk 200 (INVITE)',
  'trunk > ACK',
  '> phone ACK',
  'trunk > INFO',
  '> phone INFO',
  'phone > 200 (INFO)',
  '> trunk 200 (INFO)',
  'trunk > BYE',
  '> trunk 200 (BYE)',
  '> phone BYE',
  'phone > 200 (BYE)',
];

const CANCELLED = [
  'trunk > INVITE',
  '> trunk 100',
  '> phone INVITE (path)',
  'phone > 180',
  '> trunk 180',
  'trunk > CANCEL',
  '> trunk 200 (CANCEL)',
  '> trunk 487 (INVITE)',
  '> phone CANCEL',
  'phone > 487 (INVITE)',
];

/** The arrows of a call between callwake, trunk and phones, once `last` is among them. */
async function drawn(url: string, last: string): Promise<string[]> {
  for (;;) {
    const { events } = (await (await fetch(url)).json()) as { events: readonly { arrow: Arrow }[] };
    const arrows = events.map(({ arrow }) => arrow).filter(({ from, to }) => to && from !== 'apns' && to !== 'apns');
    const texts = arrows.map(({ from, to, label }) =>
      from === 'callwake' ? `> ${to} ${label}` : `${from} > ${label}`,
    );
    if (texts.includes(last)) return texts;
    await setTimeout(20);
  }
}

interface Arrow {
  readonly from: string;
  readonly to?: string;
  readonly label: string;
}

const QUIET: ExecFileSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };

/** What a command prints. */
async function cli(...args: string[]): Promise<string> {
  const program = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
  return (await promisify(execFile)(process.execPath, [program, ...args])).stdout;
}
