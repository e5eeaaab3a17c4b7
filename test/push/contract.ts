import type { ExecutionContext, TestFn } from 'ava';
import type { PushProvider, PushRequest } from '../../src/push/provider.js';
import type { FakeClock } from '../support/fake-clock.js';

/** A provider with what stands behind it. */
export interface ProviderUnderTest {
  readonly provider: PushProvider;
  readonly clock: FakeClock;
  /** A push that the service behind takes, if the provider has one. */
  readonly good: () => PushRequest;
  /** Makes the service behind silent. */
  readonly silence: () => void;
}

/** What every {@link PushProvider} promises, whatever service is behind it. */
export function providerContract(
  test: TestFn,
  name: string,
  make: (t: ExecutionContext) => Promise<ProviderUnderTest>,
): void {
  test(`${name}: every push ends in exactly one outcome, told with the number of attempts`, async (t) => {
    const { provider, good } = await make(t);
    const outcomes = await Promise.all([provider.push(good()), provider.push(good()), provider.push(good())]);
    for (const outcome of outcomes) {
      t.true(['accepted', 'refused', 'unreachable', 'withdrawn'].includes(outcome.kind));
      t.true(Number.isInteger(outcome.attempts) && outcome.attempts >= 0);
      if (outcome.kind === 'accepted') t.regex(outcome.apnsId, /^[0-9a-f-]{36}$/);
      if (outcome.kind === 'refused' || outcome.kind === 'unreachable') t.regex(outcome.reason, /^\w+$/);
    }
  });

  test(`${name}: each attempt tells when it leaves`, async (t) => {
    const { provider, good } = await make(t);
    let left = 0;
    const onLeave = () => {
      left++;
      throw new Error('broken');
    };
    const outcome = await provider.push({ ...good(), onLeave });
    t.is(left, outcome.kind === 'accepted' ? outcome.attempts : 0);
  });

  test(`${name}: never rejects, whatever it is asked`, async (t) => {
    const { provider, good } = await make(t);
    const circular: Record<string, unknown> = { aps: {} };
    circular.self = circular;
    const wrong: Partial<PushRequest>[] = [
      { token: '' },
      { token: 'not hexadecimal\r\n' },
      { topic: '' },
      { teamId: '' },
      { payload: circular },
      { payload: { aps: {}, x: 'x'.repeat(10_000) } },
      { deadline: 0 },
      { deadline: Number.NaN },
      { collapseId: '\u0000' },
    ];
    for (const changes of wrong) {
      const outcome = await provider.push({ ...good(), ...changes });
      t.true(outcome.kind === 'refused' || outcome.kind === 'unreachable', JSON.stringify(Object.keys(changes)));
    }
  });

  test(`${name}: settles at the deadline at the latest`, async (t) => {
    const { provider, clock, good, silence } = await make(t);
    silence();
    let ended = false;
    const pushed = provider.push({ ...good(), deadline: clock.now() + 2_000 });
    pushed.then(() => {
      ended = true;
    });
    await clock.advanceAsync(2_000);
    t.true(ended);
    t.not((await pushed).kind, 'accepted');
  });

  test(`${name}: a push that nobody wants any more isn't accepted`, async (t) => {
    const { provider, good } = await make(t);
    let left = 0;
    const onLeave = () => void left++;
    t.not((await provider.push({ ...good(), stillWanted: () => false, onLeave })).kind, 'accepted');
    t.is(left, 0);
  });

  test(`${name}: the status holds counts and no secret`, async (t) => {
    const { provider, good } = await make(t);
    const request = good();
    await provider.push(request);
    const status = provider.status();
    t.is(status.queued, 0);
    t.is(status.inFlight, 0);
    t.false(JSON.stringify(status).includes(request.token));
  });

  test(`${name}: after close nothing is sent and nothing is left open`, async (t) => {
    const { provider, good } = await make(t);
    await provider.push(good());
    await provider.close();
    await provider.close();
    t.is((await provider.push(good())).kind, 'refused');
    t.deepEqual(provider.status().connections, []);
  });
}
