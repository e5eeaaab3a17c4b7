import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../src/clock/clock.js';
import { ApnsProvider } from '../../src/push/apns/client.js';
import type { ApnsProviderOptions } from '../../src/push/apns/options.js';
import type { PushOutcome, PushRequest } from '../../src/push/provider.js';
import { ApnsSimulator, type ApnsSimulatorOptions } from '../../src/sim/apns/simulator.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { type FakeClock, settle } from '../support/fake-clock.js';

export const teamId = 'TEAM123456';
export const keyId = 'KEY1234567';
export const topic = 'com.example.phone.voip';
export const signingKey: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
/** One for the whole file: making it costs more than a test. */
export const certificate = makeCertificate();

export const newToken = (): string => randomBytes(32).toString('hex');

/** A simulator that knows the test's key, and takes any token unless told otherwise. */
export async function simulator(t: ExecutionContext, options: ApnsSimulatorOptions = {}): Promise<ApnsSimulator> {
  const apns = await new ApnsSimulator({ certificate, acceptAnyToken: true, ...options }).start();
  apns.registerKey({ teamId, keyId, publicKey: signingKey });
  t.teardown(() => apns.close());
  return apns;
}

export function provider(
  t: ExecutionContext,
  apns: ApnsSimulator,
  options: Partial<ApnsProviderOptions> = {},
): ApnsProvider {
  const made = new ApnsProvider({
    clock: systemClock,
    accounts: [{ teamId, keyId, key: signingKey }],
    endpoints: apns.endpoints,
    ca: apns.ca,
    random: () => 0.5,
    ...options,
  });
  t.teardown(() => made.close());
  return made;
}

/** A VoIP push as a call would send it. */
export function voipPush(clock: Clock, changes: Partial<PushRequest> = {}): PushRequest {
  return {
    ref: { callUuid: '7d444840-9dc0-11d1-b245-5ffdce74fad2', deviceId: 'phone-1' },
    kind: 'voip',
    token: newToken(),
    environment: 'production',
    teamId,
    topic,
    payload: { aps: {}, callwake: { v: 1 } },
    deadline: clock.now() + 13_000,
    ...changes,
  };
}

/** Lets sockets work until the condition holds. Time under a fake clock stands still meanwhile. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * Waits for an outcome under a fake clock: whenever no attempt and no connecting is under way, time moves on by a little.
 * So nothing times out for the slowness of this machine, and every pause passes at once.
 */
export async function outcomeOf(
  clock: FakeClock,
  client: ApnsProvider,
  pushed: Promise<PushOutcome>,
): Promise<PushOutcome> {
  let outcome: PushOutcome | undefined;
  pushed.then((settled) => {
    outcome = settled;
  });
  while (!outcome) {
    const { inFlight, connections } = client.status();
    if (inFlight === 0 && connections.every(({ state }) => state !== 'connecting')) await clock.advanceAsync(50);
    await settle();
  }
  return outcome;
}
