import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { fillStore } from '../harness/filled-store.mjs';
import { memory, quantiles, sleep } from '../harness/machine.mjs';
import { tokenOf } from '../harness/registering-phones.mjs';
import { Bench } from '../wake/bench.mjs';
import { callwake } from '../wake/servers.mjs';
import { apiSettings, token } from './cost.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const LOOKS = 7;

/** The dashboard and /metrics with so many devices known and calls held. */
export async function scale(folder, { filled, calls, devices, rate, goal }) {
  const path = join(folder, 'data');
  const since = performance.now();
  // The held calls' phones register by themselves.
  if (!filled) await fillStore(path, calls + 1, devices);
  report('devices in the store', { devices, kept: filled, seconds: seconds(since) });
  const bench = await new Bench(folder).open();
  const api = await apiSettings();
  const server = await callwake(join(folder, 'callwake'), {
    ...bench.surroundings,
    log: 'warn',
    hold: '120s',
    settings: { api, store: { kind: 'lmdb', path }, timeline: { messages: true } },
  });
  await bench.face(server);
  await bench.phones.ask('sleep', { count: calls });
  await sleep(2000);
  await bench.phones.ask('wake', { awake: false });
  const url = `http://127.0.0.1:${api.port}`;
  const ask = async (path) => {
    const started = performance.now();
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token()}` } });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    return { ms: performance.now() - started, text };
  };
  await indexing(ask);
  const calling = bench.call(server, { scenario: join(HERE, '../wake/call.xml'), calls, rate, seconds: 200 });
  await sleep((calls / rate) * 1000 + 5000);

  const overview = JSON.parse((await ask('/v1/overview')).text);
  report('held', overview.calls);
  if (overview.calls.held !== calls) throw new Error(`${calls} calls should be held`);
  report('memory, MB', {
    app: server
      .pids()
      .map((pid) => memory(pid))
      .sort((a, b) => b.rss - a.rss)[0],
  });

  const metrics = [];
  let bytes = 0;
  for (let i = 0; i < LOOKS; i++) {
    const { ms, text } = await ask('/metrics');
    metrics.push(ms);
    bytes = text.length;
  }
  judge(goal, '/metrics', metrics, 100);
  report('/metrics', { bytes });
  goal(bytes <= 200_000, `/metrics ${bytes} bytes`);
  await look(url, { calls, devices, goal });

  await bench.phones.ask('wake', { awake: true });
  await bench.phones.ask('register', { count: calls });
  const { ok, failed } = await calling;
  report('held calls after that', { answered: ok, failed });
  await server.stop();
  bench.close();
}

/** How long the first search takes until all devices are read. */
async function indexing(ask) {
  const since = performance.now();
  const answers = [];
  for (;;) {
    const { ms, text } = await ask('/v1/devices?state=active&limit=10');
    answers.push(ms);
    if (!JSON.parse(text).reading) break;
    await sleep(500);
  }
  report('devices read for searches', { seconds: seconds(since), answersMeanwhile: quantiles(answers) });
}

/** First paint in a fresh browser each time, and searches as a user types them. */
async function look(url, { calls, devices, goal }) {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const paints = { first: [], contentful: [], figures: [] };
  for (let i = 0; i < LOOKS; i++) {
    const page = await opened(browser, url);
    await page.goto(`${url}/dashboard/`);
    await page.locator('.figure').first().waitFor();
    const [first, contentful, figures] = await page.evaluate(
      "['first-paint', 'first-contentful-paint'].map((name) => performance.getEntriesByName(name)[0]?.startTime).concat(performance.now())",
    );
    paints.first.push(first);
    paints.contentful.push(contentful);
    paints.figures.push(figures);
    await page.context().close();
  }
  judge(goal, 'first paint', paints.first, 1000);
  judge(goal, 'first contentful paint', paints.contentful, 1000);
  judge(goal, 'figures on the page', paints.figures, 1000);

  const page = await opened(browser, url);
  const search = async (what, where, texts) => {
    await page.goto(`${url}/dashboard/#${where}`);
    await page.getByRole('searchbox').waitFor();
    const times = [];
    for (const [text, result] of texts) times.push(await typed(page, text, result));
    judgeSearch(goal, what, times);
  };
  const each = (make) => Array.from({ length: LOOKS }, (_, i) => make(i + 1));
  await search(
    'calls by number',
    '/calls',
    each((i) => [`d${calls - i}@`, '1 call']),
  );
  await search(
    'devices by number',
    '/devices',
    each((i) => [`d${devices - i}@`, '1 device']),
  );
  await search(
    'devices by token',
    '/devices',
    each((i) => [tokenOf(devices - i), '1 device']),
  );
  await search(
    'devices by User-Agent',
    '/devices',
    each((i) => (i % 2 ? ['ipados', ' devices'] : ['ios 17', ' devices'])),
  );
  const times = [];
  for (const [state, text] of each((i) => (i % 2 ? ['active', ' device'] : ['suspended', ' device']))) {
    times.push(await typed(page, state, text, 'select'));
  }
  judgeSearch(goal, 'devices by state', times);
  await browser.close();
}

/** A page that is signed in. */
async function opened(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript((bearer) => sessionStorage.setItem('callwake.token', bearer), token());
  void url;
  return page;
}

/** Milliseconds in the page from the input to the answer's being shown. */
function typed(page, text, result, kind = 'input') {
  return page.evaluate(
    ({ text, result, kind }) =>
      new Promise((resolve, reject) => {
        const status = () => document.querySelector('p[aria-live]')?.textContent ?? '';
        const field = document.querySelector(kind === 'input' ? 'input[type=search]' : 'select');
        const before = document.querySelector('table.calls tbody')?.innerHTML;
        performance.clearResourceTimings();
        const since = performance.now();
        const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value').set;
        set.call(field, text);
        field.dispatchEvent(new Event(kind === 'input' ? 'input' : 'change', { bubbles: true }));
        const observer = new MutationObserver(() => {
          if (!status().includes(result) || document.querySelector('table.calls tbody')?.innerHTML === before) return;
          observer.disconnect();
          requestAnimationFrame(() => {
            const asked = performance
              .getEntriesByType('resource')
              .filter(({ name }) => /\/v1\/(calls|devices)/.test(name));
            const { startTime, responseEnd } = asked.at(-1) ?? { startTime: 0, responseEnd: 0 };
            const ms = performance.now() - since;
            resolve({ ms, asked: startTime - since, answer: responseEnd - startTime, drawn: since + ms - responseEnd });
          });
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        setTimeout(() => reject(new Error(`${text}: not shown; ${status()}`)), 20_000);
      }),
    { text, result, kind },
  );
}

/** Of the slowest also where its time went: until the page asked, until the answer was there, until it was drawn. */
function judgeSearch(goal, what, times) {
  judge(
    goal,
    `search: ${what}`,
    times.map(({ ms }) => ms),
    300,
  );
  const { asked, answer, drawn } = times.reduce((slowest, time) => (time.ms > slowest.ms ? time : slowest));
  report(`search: ${what}, the slowest`, { ms: { asked, answer, drawn } });
}

function judge(goal, what, times, most) {
  const { p50, max } = quantiles(times);
  report(what, { ms: { p50, worst: max }, goal: `< ${most}` });
  goal(max < most, `${what} ${Math.round(max)} ms`);
}

function report(what, figures) {
  console.log(JSON.stringify({ what, ...figures }));
}

const seconds = (since) => Math.round((performance.now() - since) / 100) / 10;
