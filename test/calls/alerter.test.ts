import test from 'ava';
import { Alerter } from '../../src/calls/alerter.js';
import type { TimelineEvent } from '../../src/calls/timeline.js';
import { TokenPush } from '../../src/calls/token-push.js';
import type { PushToken } from '../../src/devices/types.js';
import type { PushRequest } from '../../src/push/provider.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { ACCEPTED, DEAD, device, INFO } from './fakes.js';

const alertToken = (token: string, over: Partial<PushToken> = {}): PushToken => ({
  kind: 'alert',
  token,
  teamId: 'TEAMID1234',
  bundleId: 'com.example.phone',
  seenAt: 0,
  ...over,
});

const CALL = {
  ...INFO,
  face: { calledNumber: '2001', callerName: 'Ada', callerNumber: '1001', video: false, privacy: false },
};

class Bench {
  readonly clock = new FakeClock();
  readonly pushes: PushRequest[] = [];
  readonly events: TimelineEvent[] = [];
  readonly verdicts: string[] = [];
  readonly alerter: Alerter;

  constructor(
    settings: { missedCall?: boolean; answeredElsewhere?: boolean },
    outcomes = [ACCEPTED],
    silence?: 'muted' | 'quiet',
  ) {
    const pushes = new TokenPush({
      clock: this.clock,
      platforms: ['iphone', 'ipad'],
      environmentOf: () => 'auto',
      onVerdict: async (_device, { token }, verdict) => {
        this.verdicts.push(`${token} ${verdict.token} ${verdict.environment}`);
      },
      provider: {
        push: async (request) => {
          this.pushes.push(request);
          return outcomes[this.pushes.length - 1] ?? ACCEPTED;
        },
        status: () => ({ provider: 'test', queued: 0, inFlight: 0, connections: [] }),
        close: async () => {},
      },
    });
    this.alerter = new Alerter({
      settings: { missedCall: false, answeredElsewhere: false, keep: 86_400_000, ...settings },
      pushes,
      clock: this.clock,
      sink: (event) => this.events.push(event),
      ...(silence === undefined ? {} : { silenceOf: async () => silence }),
    });
  }
}

test('only phones with an alert token are told, and only of what the operator wants', async (t) => {
  const bench = new Bench({ missedCall: true });
  const devices = [
    device('a', { tokens: [alertToken('aa')] }),
    device('b'),
    device('c', { platform: 'other', tokens: [alertToken('cc')] }),
  ];
  bench.alerter.tell({ why: 'answered-elsewhere', devices, call: CALL });
  t.is(bench.pushes.length, 0);
  bench.alerter.tell({ why: 'missed', devices, call: CALL });
  await settle();
  t.is(bench.pushes.length, 1);
  t.like(bench.pushes[0], {
    kind: 'alert',
    token: 'aa',
    topic: 'com.example.phone',
    collapseId: CALL.callUuid,
    expiresAt: bench.clock.now() + 86_400_000,
    payload: { aps: { alert: { title: 'Missed call', body: 'Ada (1001)' } } },
  });
  t.deepEqual(
    bench.events.map(({ type }) => type),
    ['alert-asked', 'alert-accepted'],
  );
});

test('a caller who wants to stay unknown does', (t) => {
  const bench = new Bench({ missedCall: true });
  const call = { ...CALL, face: { ...CALL.face, privacy: true } };
  bench.alerter.tell({ why: 'missed', devices: [device('a', { tokens: [alertToken('aa')] })], call });
  const text = JSON.stringify(bench.pushes[0]?.payload);
  t.false(text.includes('Ada') || text.includes('1001'));
  t.regex(text, /Unknown caller/);
});

test('a dead alert token is told to the devices', async (t) => {
  const bench = new Bench({ answeredElsewhere: true }, [DEAD]);
  bench.alerter.tell({ why: 'answered-elsewhere', devices: [device('a', { tokens: [alertToken('aa')] })], call: CALL });
  await settle();
  t.deepEqual(bench.verdicts, ['aa dead production']);
  t.is(bench.events.at(-1)?.type, 'alert-refused');
});

test('however long a name is, the alert stays within Apple’s 4096 bytes', (t) => {
  const bench = new Bench({ missedCall: true });
  const long = '"😀'.repeat(5_000);
  const call = { ...CALL, face: { ...CALL.face, callerName: long, callerNumber: long, calledNumber: long } };
  bench.alerter.tell({ why: 'missed', devices: [device('a', { tokens: [alertToken('aa')] })], call });
  t.true(Buffer.byteLength(JSON.stringify(bench.pushes[0]?.payload)) <= 4096);
});

test('a user who wants no alerts gets none', async (t) => {
  const bench = new Bench({ missedCall: true }, [ACCEPTED], 'quiet');
  bench.alerter.tell({ why: 'missed', devices: [device('a', { tokens: [alertToken('aa')] })], call: CALL });
  await settle();
  t.is(bench.pushes.length, 0);
  t.like(bench.events.at(-1), { type: 'alert-refused', fields: { reason: 'quiet' } });
});
