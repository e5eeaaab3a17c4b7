import test from 'ava';
import { EndedTokens } from '../../src/devices/ended-tokens.js';
import { AOR, bench, INSTANCE, iphone, VOIP } from './support.js';

const DAY = 86_400_000;

test('a token that Apple ended stays to be found for 90 days, a token that lives does not appear', async (t) => {
  const { registry, register, clock, store } = bench();
  const ended = new EndedTokens({ store, clock, onFault: (error) => t.fail(String(error)) });
  registry.onTokenEnded((told) => ended.note(told));
  await register([iphone()], { userAgent: 'Example (iPhone)' });
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'keep', at: clock.now(), environment: 'sandbox' });
  await registry.tokenVerdict(AOR, INSTANCE, {
    token: VOIP,
    verdict: 'dead',
    at: clock.now() - 1,
    reason: 'Unregistered',
  });
  t.deepEqual(await ended.list(0, '', 10), { items: [] });

  const first = clock.now();
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'dead', at: first, reason: 'Unregistered' });
  const { items } = await ended.list(0, '', 10);
  t.like(items, [{ at: first, aor: AOR, device: INSTANCE, kind: 'voip', reason: 'Unregistered', platform: 'iphone' }]);
  t.false(JSON.stringify(items).includes(VOIP));

  await clock.advanceAsync(DAY);
  await register([iphone()], { userAgent: 'Example (iPhone)' });
  await registry.tokenVerdict(AOR, INSTANCE, { token: VOIP, verdict: 'wrong-topic', at: clock.now() });
  t.is((await ended.list(0, '', 10)).items.length, 2);
  t.like((await ended.list(first + 1, '', 10)).items, [{ reason: 'wrong-topic' }]);
  const page = await ended.list(0, '', 1);
  t.is(page.items.length, 1);
  t.like(await ended.list(0, page.next ?? '', 10), { items: [{ reason: 'wrong-topic' }] });

  await clock.advanceAsync(89.5 * DAY);
  t.is((await ended.list(0, '', 10)).items.length, 1);
});
