import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import type { ApnsSimulatorOptions } from '../../src/sim/apns/simulator.js';
import { provider, simulator, voipPush } from '../push/support.js';

const page = readFileSync('docs/apns-simulator.md', 'utf8');
/** The examples: what `curl` of that line would send. */
const examples = [...page.matchAll(/^curl (?:-d '(?<body>[^']*)' )?http:\/\/127\.0\.0\.1:2199(?<path>\/\S*)$/gm)].map(
  ({ groups }) => ({ body: groups?.body, path: groups?.path ?? '' }),
);
/** The bodies that the table of requests shows for a path. */
const bodiesOf = (path: string): string[] => {
  const row = page.split('\n').find((line) => line.startsWith(`| \`POST ${path}\``)) ?? '';
  return [...row.matchAll(/`(\{"[^`]*)`/g)].map(([, body = '']) => body);
};

async function started(t: ExecutionContext, options: ApnsSimulatorOptions = {}) {
  const apns = await simulator(t, { freezable: true, ...options });
  const { host, port } = apns.controlAddress;
  const ask = async (path: string, body: string | undefined): Promise<Response> =>
    fetch(`http://${host}:${port}${path}`, body === undefined ? {} : { method: 'POST', body });
  return { apns, ask };
}

test('the curl lines do what the page says', async (t) => {
  const { apns, ask } = await started(t);
  t.is(examples.length, [...page.matchAll(/^curl /gm)].length);
  const answers = [];
  for (const { path, body } of examples) {
    const answer = await ask(path, body);
    t.is(answer.status, 200, `${path} ${body}`);
    answers.push(await answer.json());
  }
  t.like(answers.at(-1), { total: 0, pushes: [] });
  t.like(apns.scripts.list, [
    { status: 503, reason: 'ServiceUnavailable', times: 2 },
    { goaway: 'Shutdown', goawayBefore: true },
  ]);
  t.is(apns.world.tokenOf('ab12')?.unregisteredAt, 1_795_423_552_057);
});

test('so do the bodies in the table, and a path that is not there lists what is', async (t) => {
  const { ask } = await started(t);
  const bodies = ['/connections', '/clock'].flatMap((path) => bodiesOf(path).map((body) => [path, body] as const));
  t.is(bodies.length, 5);
  for (const [path, body] of bodies) t.is((await ask(path, body)).status, 200, body);
  const wrong = await ask('/nothing', undefined);
  t.is(wrong.status, 404);
  t.regex(await wrong.text(), /POST \/scripts/);
});

test('every option of the class that the page names exists, and the other way round', (t) => {
  const source = readFileSync('src/sim/apns/simulator.ts', 'utf8');
  const type = /interface ApnsSimulatorOptions \{(.*?)\n\}/s.exec(source)?.[1] ?? '';
  const options = [...type.matchAll(/readonly (\w+)\?:/g)].map(([, name = '']) => name);
  const table = page.slice(page.indexOf('| option |'), page.indexOf('## What it judges'));
  const named = table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  t.deepEqual([...named].sort(), [...options].sort());
});

test('clockOffsetMs: Apple’s clock is ahead; sendDate: answers tell its time', async (t) => {
  const push = async (options: ApnsSimulatorOptions) => {
    const { apns } = await started(t, { clockOffsetMs: 7_200_000, ...options });
    return provider(t, apns).push(voipPush(systemClock));
  };
  t.like(await push({}), { kind: 'refused', reason: 'ExpiredProviderToken' });
  t.is((await push({ sendDate: true })).kind, 'accepted', 'callwake makes tokens for Apple’s clock then');
});
