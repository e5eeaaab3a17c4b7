import { existsSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { StageOptions } from '../../../src/demo/stage.js';
import type { Scope } from '../../../src/ops/http/scopes.js';
import { ApiStage, SECRET, token } from '../api-stage.js';
import { violations } from './accessibility.js';

const CHROMIUM = '/usr/bin/chromium';
/** No connection but to the page under test. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const QUICK = { wakeDelayMs: 50, answerDelayMs: 50 };
const SCOPES: readonly Scope[] = ['status:read', 'calls:read', 'calls:write', 'devices:read'];

let browser: Browser | undefined;
test.before(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is not installed`);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
});
test.after.always(() => browser?.close());

interface Opened {
  readonly api: ApiStage;
  readonly page: Page;
  /** What the page complained of so far. */
  readonly complaints: readonly string[];
}

/** A browser that looks at the dashboard of a callwake. */
async function opened(t: ExecutionContext, options: Partial<StageOptions> = {}): Promise<Opened> {
  if (browser === undefined) throw new Error('no browser');
  const api = await ApiStage.start(t, { config: { timeline: { messages: true } }, ...options });
  // A context of its own: nothing is known of earlier tests.
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  t.teardown(() => page.close());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${api.url}/`);
  return { api, page, complaints };
}

async function signIn(page: Page, scopes = SCOPES): Promise<void> {
  await page.getByLabel('Token').fill(token(scopes));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page
    .getByRole('status')
    .filter({ hasText: /^live$/ })
    .waitFor();
}

test.serial('sign-in, live figures, a call searched and read as a ladder by mouse and keyboard', async (t) => {
  const { api, page, complaints } = await opened(t);
  await page.getByLabel('Token').waitFor();
  t.deepEqual(await violations(page), [], 'sign-in');
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  await signIn(page);

  const phone = await api.stage.phone({ behaviour: QUICK });
  await phone.background();
  const call = api.stage.cucm.call({ to: '2001', from: '1001' });
  await call.answered;
  await call.hangup();
  await page.locator('.bars', { hasText: 'answered' }).waitFor();
  t.is(await page.locator('.figure', { hasText: 'wakes in an hour' }).locator('dd').textContent(), '1');
  t.true((await page.locator('.chart canvas').count()) > 0);
  t.is(await page.getByText('in-service').count(), 1);

  await page.getByRole('link', { name: 'Calls', exact: true }).click();
  const rows = page.locator('table.calls tbody tr');
  await rows.first().waitFor();
  t.is(await rows.count(), 1);
  await page.getByRole('searchbox').fill('9999');
  await page.getByText('0 calls').waitFor();
  await page.getByRole('searchbox').fill('1001');
  await rows.getByRole('link').click();
  await page.getByRole('heading', { name: '1001 → 2001' }).waitFor();
  const events = page.locator('.ladder').getByRole('button');
  const labels = await events.evaluateAll((list) => list.map((entry) => entry.getAttribute('aria-label') ?? ''));
  t.regex(labels[0] ?? '', /^\d+\.\d INVITE, CUCM trunk to callwake$/);
  t.true(labels.some((label) => / VoIP push, callwake to APNs$/.test(label)));
  const seen = ['100', '180', '200 (INVITE)', '200 (BYE)'].map((label) => `${label}, callwake to CUCM trunk`);
  for (const arrow of [
    ...seen,
    'ACK, CUCM trunk to callwake',
    'BYE, CUCM trunk to callwake',
    'BYE, callwake to phone',
  ]) {
    t.true(
      labels.some((label) => label.endsWith(` ${arrow}`)),
      `${arrow}: ${labels.join('\n')}`,
    );
  }
  await events.filter({ hasText: '200 (' }).first().click();
  await page.locator('aside', { hasText: 'push-accepted' }).waitFor();
  await events.first().focus();
  await page.keyboard.press('Enter');
  await page.locator('aside', { hasText: 'invite-received' }).waitFor();
  t.is(await events.first().getAttribute('aria-pressed'), 'true');
  const message = page.locator('aside pre');
  t.regex((await message.textContent()) ?? '', /^INVITE sip:2001@[\s\S]*\r?\nCall-ID: /);
  const atTrunk = await message.textContent();
  await page.getByRole('button', { name: /INVITE .*callwake to phone$/ }).click();
  await page.locator('aside', { hasText: 'leg-invited' }).waitFor();
  t.regex((await message.textContent()) ?? '', /^INVITE sip:/);
  t.not(await message.textContent(), atTrunk);
  t.deepEqual(await violations(page), [], 'a call with its ladder');
  await page.getByRole('button', { name: /200 \(INVITE\), callwake to CUCM trunk$/ }).click();
  await page.locator('aside', { hasText: 'sip-sent' }).waitFor();
  t.regex((await message.textContent()) ?? '', /^SIP\/2\.0 200 OK[\s\S]*\r?\nCSeq: \d+ INVITE/);
  await page.getByRole('button', { name: /100, callwake to CUCM trunk$/ }).click();
  await page.getByText('The SIP engine sends this by itself').waitFor();
  await page.getByRole('button', { name: /VoIP push, callwake to APNs$/ }).click();
  await page.locator('aside', { hasText: 'push-asked' }).waitFor();
  t.is(await message.count(), 0);
  t.deepEqual(complaints, []);
});

test.serial('the wake test runs from its button, step by step', async (t) => {
  const { api, page, complaints } = await opened(t);
  await signIn(page);
  const phone = await api.stage.phone({ behaviour: QUICK });
  await phone.background();
  await page.goto(`${api.url}/dashboard/#/devices?aor=${encodeURIComponent('sip:2001@corp.example')}`);
  await page.getByText('suspended').waitFor();
  const text = await page.locator('article.device').textContent();
  t.regex(text ?? '', /iphone/);
  t.false((text ?? '').includes(String(phone.identity.voipToken)));
  await page.getByRole('button', { name: 'Wake as a call does' }).click();
  await page.getByText(/^The phone wakes: back in \d+ ms\.$/).waitFor();
  t.is(await page.locator('.wake-test ol li').count(), 5);
  t.deepEqual(await violations(page), [], 'a phone after its wake test');
  t.is(api.stage.apple.received.length, 1);
  const call = api.stage.cucm.call({ to: '2001', from: '1001' });
  await call.answered;
  await call.hangup();
  await page.getByRole('link', { name: 'The last 20 calls of 2001' }).click();
  await page.getByText('1 call', { exact: true }).waitFor();
  t.deepEqual(complaints, []);
});

test.serial('a call is pushed again and ended, a token forgotten: each asks first', async (t) => {
  const { api, page, complaints } = await opened(t, { trunk: { hold: '120s' } });
  await signIn(page, [...SCOPES, 'devices:write']);
  const phone = await api.stage.phone({ behaviour: { wakeDelayMs: 600_000 } });
  await phone.background();
  const call = api.stage.cucm.call({ to: '2001', from: '1001' });
  const { callUuid } = await api.stage.callwake.logged('push-accepted');
  await page.goto(`${api.url}/dashboard/#/calls/${String(callUuid)}`);
  const press = async (name: string): Promise<void> => {
    await page.getByRole('button', { name }).first().click();
    const dialog = page.getByRole('dialog', { name: `${name}?` });
    await dialog.waitFor();
    await dialog.getByRole('button', { name }).click();
  };
  await page.getByRole('button', { name: 'End call' }).click();
  await page.getByRole('dialog').getByText('1001 gets 480').waitFor();
  t.deepEqual(await violations(page), [], 'a question');
  await page.keyboard.press('Escape');
  t.not(call.state, 'ended');
  await press('Push again');
  await page
    .getByRole('status')
    .filter({ hasText: /: accepted$/ })
    .waitFor();
  t.is(api.stage.apple.received.length, 2);
  await press('End call');
  t.is((await call.ended).status, 480);
  await page.getByText('ended by an operator').waitFor();
  t.is(await page.getByRole('button', { name: 'End call' }).count(), 0);

  await page.goto(`${api.url}/dashboard/#/devices?aor=2001`);
  await press('Forget voip token');
  await page.getByText('None: it can’t be woken.').waitFor();
  t.deepEqual(complaints, []);
});

test.serial(
  'phones are found by number, User-Agent and state; the pages are used with the keyboard alone',
  async (t) => {
    const { api, page, complaints } = await opened(t);
    await signIn(page);
    const asleep = await api.stage.phone({ behaviour: QUICK });
    await asleep.background();
    await api.stage.phone({ user: '2002', userAgent: 'Example/2.0 (iPad; iPadOS 18.1)' });
    await page.getByRole('link', { name: 'Devices', exact: true }).click();
    await page.getByText('2 devices', { exact: true }).waitFor();
    const rows = page.locator('table.calls tbody tr');
    await page.getByRole('searchbox').fill('ipados 18');
    await page.getByText('1 device', { exact: true }).waitFor();
    t.regex((await rows.first().textContent()) ?? '', /^2002/);
    await page.getByRole('searchbox').fill('');
    await page.getByText('2 devices', { exact: true }).waitFor();
    await page.getByLabel('State').selectOption('suspended');
    await page.getByText('1 device', { exact: true }).waitFor();
    t.regex((await rows.first().textContent()) ?? '', /^2001 *suspended/);
    await rows.getByRole('link').click();
    await page.getByRole('heading', { name: 'Devices of 2001' }).waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    t.is(await page.evaluate('document.documentElement.scrollWidth'), 360);
    await page.setViewportSize({ width: 1280, height: 900 });
    const call = api.stage.cucm.call({ to: '2001', from: '1001' });
    await call.answered;
    await call.hangup();
    await page.goto(`${api.url}/dashboard/#/`);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await byKeyboard(t, page);
    t.deepEqual(complaints, []);
  },
);

test.serial(
  'alarms come and go while one looks, are searched, and lead to their phone; configuration hides secrets; all fits a phone, light and dark',
  async (t) => {
    const { api, page, complaints } = await opened(t, { trunk: { hold: '1s' } });
    await signIn(page);
    const phone = await api.stage.phone({ behaviour: QUICK });
    await phone.background();
    await page.getByRole('link', { name: 'Alarms', exact: true }).click();
    await page.getByText('0 changes', { exact: true }).waitFor();
    api.stage.apple.unregisterToken(String(phone.identity.voipToken));
    await api.stage.cucm.call({ to: '2001' }).ended;
    const rows = page.locator('table.history tbody tr');
    await rows.first().waitFor();
    t.regex(
      (await rows.first().textContent()) ?? '',
      /PushNotificationInvalidDeviceTokenResponse.*2001@corp\.example.*Unregistered/,
    );
    t.deepEqual(await violations(page), [], 'alarms');
    const search = page.getByRole('searchbox');
    await search.focus();
    await page.keyboard.type('no such subject');
    await page.getByText('0 changes', { exact: true }).waitFor();
    t.is(await page.evaluate('document.activeElement?.type'), 'search', 'who types does not lose the field');
    t.is(await rows.count(), 0);
    await search.fill('2001@corp');
    await page.getByText('1 change', { exact: true }).waitFor();
    await rows.getByRole('link', { name: 'PushNotificationInvalidDeviceTokenResponse' }).click();
    await page.getByText('all alarms').waitFor();
    await rows.getByRole('link', { name: /2001@corp\.example/ }).click();
    await page.getByRole('heading', { name: 'Devices of 2001' }).waitFor();

    await page.getByRole('link', { name: 'Configuration', exact: true }).click();
    await page.getByText('secret: (hidden)').waitFor();
    t.false(((await page.locator('main').textContent()) ?? '').includes(SECRET));
    await narrowPages(t, { api, page, complaints });
    t.deepEqual(complaints, []);
  },
);

/** Opens each page at a phone's width, light and dark: nothing is wider than it, and nothing keeps anybody out. */
async function narrowPages(t: ExecutionContext, { api, page }: Opened): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 });
  const grounds = new Set<string>();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [path, heading] of [
      ['/', 'Overview'],
      ['/calls', 'Calls'],
      ['/devices', 'Devices'],
      ['/alarms', 'Alarms'],
      ['/configuration', 'Configuration'],
    ]) {
      await page.goto(`${api.url}/dashboard/#${path}`);
      await page.getByRole('heading', { name: heading ?? '', level: 1 }).waitFor();
      const width = await page.evaluate('document.documentElement.scrollWidth');
      t.is(width, 360, `${path}, ${colorScheme}`);
      const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
      t.deepEqual(await violations(page, rules), [], `${path}, ${colorScheme}`);
    }
    grounds.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
  }
  t.is(grounds.size, 2);
}

/** From the overview to an event of the only call, with the keyboard alone. */
async function byKeyboard(t: ExecutionContext, page: Page): Promise<void> {
  const focused = (): Promise<string> =>
    page.evaluate(
      '((one) => one.tagName + " " + (one.getAttribute("aria-label") ?? one.textContent))(document.activeElement)',
    );
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press('Tab');
      if (name.test(await focused())) return;
    }
    t.fail(`${name} is not reached`);
  };
  await tabTo(/^A Calls$/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Calls', level: 1 }).waitFor();
  await page.locator('table.calls tbody tr').first().waitFor();
  await tabTo(/^A .*\d\d:\d\d/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '1001 → 2001' }).waitFor();
  await tabTo(/^g .* INVITE, CUCM trunk/);
  await page.keyboard.press('Space');
  await page.locator('aside', { hasText: 'invite-received' }).waitFor();
  t.not(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none', 'the focus is seen');
}
