import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { Command } from 'commander';
import { makeProgram } from '../../src/cli/program.js';
import { CallwakeProcess } from '../../src/demo/callwake-process.js';
import { ApiStage } from '../ops/api-stage.js';
import { asked } from '../support/asked.js';

const GUIDES = ['README.md', 'CONTRIBUTING.md', 'sip-scenarios/README.md'].concat(
  readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
);
const CALL = /^(?:\$ )?(?:(?:npx )?callwake|node dist\/cli\.js|npm run demo --(?= )) +(?! )(.*?)(?: +#.*)?$/;

interface Printed {
  readonly line: string;
  readonly words: readonly string[];
}

/** The blocks of a text in these languages ('': none), but for those that show drawings. */
function blocksOf(text: string, languages: readonly string[]): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)\n```$/gms)].flatMap(([, language = '', block = '']) =>
    languages.includes(language) && !block.includes('│') ? [block] : [],
  );
}

/** The commands of callwake's that a text prints in blocks, and names in its sentences. */
function commandsIn(text: string): readonly Printed[] {
  const blocks = blocksOf(text, ['', 'sh', 'console']).flatMap((block) =>
    block.replaceAll(/ *\\\n */g, ' ').split('\n'),
  );
  const sentences = text.replaceAll(/^```.*?^```$/gms, '');
  const inline = [...sentences.matchAll(/`(callwake [a-z][^`]*)`/g)].map(([, line = '']) => line);
  return [...blocks, ...inline].flatMap((line) => {
    const rest = CALL.exec(line.trim())?.[1];
    if (rest === undefined) return [];
    const words = rest.split(/[ =]+/);
    return [{ line, words: line.includes('npm run demo') ? ['demo', ...words] : words }];
  });
}

/** The command that the first words name, `sim apns`. */
function named(program: Command, words: readonly string[]): Command | undefined {
  const [first] = words;
  if (first?.startsWith('-')) return program;
  const found = program.commands.find((command) => command.name() === first || command.aliases().includes(first ?? ''));
  if (found === undefined || found.commands.length === 0) return found;
  return named(found, words.slice(1)) ?? found;
}

for (const page of GUIDES) {
  test(`${page} names commands, options and values that there are`, (t) => {
    const program = makeProgram(() => {});
    for (const { line, words } of commandsIn(readFileSync(page, 'utf8'))) {
      const command = named(program, words);
      if (command === undefined) return t.fail(`there is no such command: ${line}`);
      words.forEach((word, index) => {
        if (!/^--?[a-z]/.test(word) || word === '--help' || word === '--version') return;
        const option = command.options.find(({ long, short }) => long === word || short === word);
        t.truthy(option, `${line}: ${word}`);
        if (option?.argChoices) t.true(option.argChoices.includes(words[index + 1] ?? ''), `${line}: ${word}`);
      });
    }
    t.pass();
  });
}

test('the guides print commands', (t) => {
  t.true(GUIDES.flatMap((page) => commandsIn(readFileSync(page, 'utf8'))).length > 80);
  t.is(
    named(
      makeProgram(() => {}),
      ['sim', 'apns', '--port'],
    )?.name(),
    'apns',
  );
  t.deepEqual(
    commandsIn('```\n$ callwake calls --since 2d   # of\n```\nand `callwake status`').map(({ words }) =>
      words.join(' '),
    ),
    ['calls --since 2d', 'status'],
  );
});

const linesOf = (text: string): string[] => blocksOf(text, ['']).flatMap((block) => block.split('\n'));

test('five minutes: the configuration and the commands of the guide, as they stand', async (t) => {
  const page = readFileSync('docs/getting-started.md', 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'callwake-docs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'callwake.yaml');
  const settings = /^```yaml\n(.*?)\n```$/ms.exec(page)?.[1] ?? '';
  t.regex(settings, /127\.0\.0\.1:5060/);
  // Other tests run beside this one: ports are what there is.
  writeFileSync(file, settings.replace('127.0.0.1:5060', '127.0.0.1:0').replace('api: {', 'api: { port: 0,'));
  const cli = resolve('build/src/cli.js');
  const run = async (line: string): Promise<string> => {
    const [program = '', script = '', ...args] = line.split(' ');
    t.deepEqual([program, script], ['node', 'dist/cli.js']);
    return (await promisify(execFile)(process.execPath, [cli, ...args], { cwd: folder, timeout: 50_000 })).stdout;
  };
  const [npmCi, demo, build, check = '', start = '', status = '', ping = '', devices = '', ...more] = linesOf(page);
  t.deepEqual([npmCi, demo, build, more], ['npm ci', 'npm run demo', 'npm run build', []]);
  t.regex(await run(check), /\bcucm\b/);
  t.is(start, 'node dist/cli.js start --config callwake.yaml');
  const callwake = new CallwakeProcess(file);
  t.teardown(() => callwake.stop());
  const [listener] = await callwake.ready();
  const url = String((await callwake.logged('api listening')).url);
  t.regex(await (await fetch(`${url}/`)).text(), /callwake/);
  t.regex(await run(`${status} --url ${url}`), /\bready\b/);
  t.regex(await run(ping.replace('5060', String(listener?.port))), /\b200\b/);
  t.regex(await run(`${devices} --url ${url}`), /^No phones\b/m);
});

test('upgrade: the commands of the guide; the app that is killed comes back with the held call', async (t) => {
  const [drain, status, trunks, wake, kill, ...more] = linesOf(readFileSync('docs/upgrade.md', 'utf8'));
  t.deepEqual(more, []);
  const api = await ApiStage.start(t, { api: { loopbackWithoutToken: true }, trunk: { hold: '60s' } });
  const { stage } = api;
  const run = async (line = '', url = api.url): Promise<string> => {
    const said = await asked(url, stage)(...line.replace(/^callwake /, '').split(' '));
    t.is(said.status, 0, `${line}: ${said.stderr}`);
    return said.stdout;
  };
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
  await phone.background();
  await run(drain);
  t.is((await stage.cucm.call({ to: '2001' }).ended).status, 503);
  await run('callwake drain --undo');
  await run(status);
  t.regex(await run(trunks), /\bcucm\b/);
  t.regex(await run(wake), /The phone wakes/);
  await phone.background();

  const late = await stage.phone({ user: '2002', behaviour: { wakeDelayMs: 1_500, answerDelayMs: 50 } });
  await late.background();
  const call = stage.cucm.call({ to: '2002' });
  await late.events.seen('pushed');
  t.is(kill, `kill -KILL "$(pgrep -f 'cli.js app ')"`);
  // This one's alone: other tests have theirs.
  await promisify(execFile)('sh', ['-c', kill?.replace('pgrep', `pgrep -P ${stage.callwake.pid}`) ?? '']);
  t.is((await call.answered).status, 200);
  await call.hangup();
});
