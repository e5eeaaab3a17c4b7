import test from 'ava';
import { ApiStage, token } from '../api-stage.js';

/** The value of a series, such as `callwake_calls{trunk="cucm",state="held"}`. */
function seriesIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** Every label value in the text: what a series may tell of a user. */
const labelValuesIn = (text: string): string[] =>
  text.split('\n').flatMap((line) => {
    if (line.startsWith('#')) return [];
    return [...line.matchAll(/\w+="((?:[^"\\]|\\.)*)"/g)].map(([, value]) => value ?? '');
  });

test('a call that wakes a phone shows in the metrics, and no user does', async (t) => {
  const api = await ApiStage.start(t);
  const phone = await api.stage.phone({ user: 'ludwig', behaviour: { wakeDelayMs: 100, answerDelayMs: 50 } });
  await phone.background();
  const call = api.stage.cucm.call({ to: 'ludwig', from: 'mozart' });
  await call.answered;
  const during = await api.ask('/metrics');
  t.regex(during.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  t.is(seriesIn(during.text, 'callwake_calls{trunk="cucm",state="active"}'), 1);
  await call.hangup();
  await api.stage.callwake.logged('end');
  const { text } = await api.ask('/metrics');
  t.is(seriesIn(text, 'callwake_calls{trunk="cucm",state="active"}'), 0);
  t.is(seriesIn(text, 'callwake_calls_total{direction="to-phone",trunk="cucm"}'), 1);
  t.is(seriesIn(text, 'callwake_calls_ended_total{reason="answered",direction="to-phone"}'), 1);
  t.is(seriesIn(text, 'callwake_wake_seconds_count{outcome="woken",edge="path"}'), 1);
  t.true((seriesIn(text, 'callwake_wake_seconds_sum{outcome="woken",edge="path"}') ?? 0) >= 0.1);
  t.is(seriesIn(text, 'callwake_pushes_total{answer="200"}'), 1);
  t.is(seriesIn(text, 'callwake_push_answer_seconds_count{answer="200"}'), 1);
  t.true((seriesIn(text, 'callwake_registrations_total{platform="iphone"}') ?? 0) >= 3);
  t.is(seriesIn(text, 'callwake_push_queue{state="queued"}'), 0);
  t.regex(text, /^callwake_trunk_peer_up\{trunk="cucm",peer="udp\/127\.0\.0\.1:\d+"\} 1$/m);
  t.is(seriesIn(text, 'callwake_alarms{severity="alert"}'), 0);
  t.true((seriesIn(text, 'nodejs_eventloop_lag_p99_seconds') ?? -1) >= 0);
  const labels = labelValuesIn(text);
  t.true(labels.includes('woken'));
  t.deepEqual(
    labels.filter((value) => /ludwig|mozart|corp\.example/.test(value)),
    [],
  );
  t.is((await api.ask('/metrics', { token: token(['calls:read']) })).status, 403);
});
