import test from 'ava';
import { Ledger, type MadeCall } from '../../src/demo/soak/ledger.js';
import { grows, trendOf } from '../../src/demo/soak/trend.js';
import { Random } from '../../src/sim/random.js';

const HOUR = 3_600_000;

/** Twenty minutes, a sample each five seconds. */
function samples(value: (minute: number) => number) {
  return Array.from({ length: 240 }, (_, i) => ({ at: i * 5000, value: value(i / 12) }));
}

test('a trend has the slope of what it is shown, and bounds that hold it', (t) => {
  const random = new Random(1);
  const found = trendOf(samples((minute) => 100 + minute + 10 * (random.next() - 0.5)));
  t.true(found !== undefined && found.low < 60 && found.high > 60);
  t.true(Math.abs((found?.perHour ?? 0) - 60) < 15, `${found?.perHour}`);
  t.true(found !== undefined && grows(found));
});

test('what wavers without growing is flat, in nine of ten runs of noise at least', (t) => {
  const random = new Random(2);
  const runs = Array.from({ length: 100 }, () => trendOf(samples(() => 100 + 20 * (random.next() - 0.5))));
  t.true(runs.filter((run) => run !== undefined && grows(run)).length <= 10);
});

test('a leak of a byte a call is told from noise ten times as large', (t) => {
  const random = new Random(3);
  const run = trendOf(samples((minute) => 50 + minute / 2 + 5 * (random.next() - 0.5)));
  t.true(run !== undefined && grows(run));
});

test('nothing is said of too few samples', (t) => {
  t.is(trendOf([]), undefined);
  t.is(trendOf(samples(() => 1).slice(0, 5)), undefined);
  t.is(
    trendOf([
      { at: 0, value: 1 },
      { at: HOUR, value: 2 },
    ]),
    undefined,
  );
});

const CALL: MadeCall = { kind: 'wake', callId: 'a', from: 1000, to: 2000, outcome: 'answered', expected: ['answered'] };

function ledger(calls: readonly MadeCall[], told: readonly [callId: string, ...ends: string[]][]): Ledger {
  const made = new Ledger();
  for (const [callId, ...ends] of told) {
    made.read({ event: 'invite-received', callUuid: `u${callId}`, callId });
    for (const reason of ends) made.read({ event: 'end', callUuid: `u${callId}`, reason });
  }
  for (const call of calls) made.made(call);
  return made;
}

test('books that agree have nothing unexplained', (t) => {
  const calls: MadeCall[] = [
    CALL,
    { ...CALL, callId: 'b', outcome: '480', expected: ['480'] },
    { ...CALL, callId: 'c', outcome: '404', expected: ['404'] },
  ];
  const made = ledger(calls, [
    ['a', 'answered'],
    ['b', 'not-woken'],
  ]);
  made.read({ event: 'call refused', status: 404 });
  const sums = made.sums();
  t.like(sums, { invites: 3, explained: {}, unexplained: [] });
  t.deepEqual(sums.outcomes, { 404: 1, 480: 1, answered: 1 });
  t.deepEqual(sums.told, { answered: 1, 'not-woken': 1, 'refused 404': 1 });
});

test('an end that nobody planned, one that the timeline tells otherwise, and one told twice are unexplained', (t) => {
  t.regex(
    ledger([{ ...CALL, outcome: '503' }], [['a', 'failed']])
      .sums()
      .unexplained.join(),
    /503 instead of answered/,
  );
  t.regex(
    ledger([CALL], [['a', 'cancelled']])
      .sums()
      .unexplained.join(),
    /answered, but its timeline .* cancelled/,
  );
  t.regex(
    ledger([CALL], [['a', 'answered', 'answered']])
      .sums()
      .unexplained.join(),
    /answered,answered/,
  );
  t.regex(
    ledger([CALL], [['a']])
      .sums()
      .unexplained.join(),
    /began 1 time/,
  );
  t.is(ledger([CALL], [['a']]).open, 1);
});

test('a fault explains calls that it met, and no others; no final response is never explained', (t) => {
  const refused = { ...CALL, outcome: '480' };
  const told = [['a', 'unreachable'] as [string, string]];
  const during = ledger([refused], told);
  during.trouble({ fault: 'edge restarted', from: 1900, to: 2500 });
  t.like(during.sums(), { explained: { 'edge restarted': 1 }, unexplained: [] });
  const after = ledger([refused], told);
  after.trouble({ fault: 'edge restarted', from: 2100, to: 2500 });
  t.is(after.sums().unexplained.length, 1);
  const silent = ledger([{ ...CALL, outcome: 'none' }], [['a']]);
  silent.trouble({ fault: 'edge restarted', from: 0, to: 5000 });
  t.regex(silent.sums().unexplained.join(), /no final response/);
});

test('a call that ended as its app was killed may lack its end in the timeline; one that ended earlier may not', (t) => {
  const books = (killed: number): Ledger => {
    const made = ledger([CALL], [['a']]);
    made.trouble({ fault: 'app killed', from: killed, to: killed + 5000, silent: true });
    return made;
  };
  const near = books(1990);
  t.is(near.open, 0);
  t.deepEqual(near.sums().told, { 'ended as its app was killed': 1 });
  t.deepEqual(near.sums().explained, { 'app killed': 1 });
  const early = books(990);
  t.is(early.open, 1);
  t.deepEqual(early.sums().told, {});
});
