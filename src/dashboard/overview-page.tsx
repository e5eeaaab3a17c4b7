import { Alarms } from './alarms.js';
import { duration, moment, number, REASONS, short } from './format.js';
import { useApi, useThrottled } from './hooks.js';
import type { Overview, PushStatus, Trunk } from './model.js';
import { Badge, Figure, Section, Since, Waiting } from './parts.js';
import { WakeChart } from './wake-chart.js';

/** What is going on now, and what is wrong. */
export function OverviewPage({ change }: { readonly change: number }) {
  const { data, error, again } = useApi<Overview>('/v1/overview', 5000);
  useThrottled(change, again, 1000);
  if (data === undefined) return <Waiting error={error} what="the overview" />;
  const { calls, wake, now } = data;
  return (
    <>
      <h1>
        Overview{' '}
        <small>
          {data.node}, {data.version}, up <Since at={data.startedAt} now={now} />
        </small>
      </h1>
      {data.ready ? null : (
        <p class="problem" role="alert">
          Takes no new calls: {data.missing.join('; ')}.
        </p>
      )}
      <Alarms alarms={data.alarms} now={now} />
      <dl class="figures">
        <Figure name="held" value={number(calls.held)} tone={calls.held > 0 ? 'busy' : ''} />
        <Figure name="ringing" value={number(calls.ringing)} />
        <Figure name="up" value={number(calls.up)} />
        <Figure name="wakes in an hour" value={number(wake.count)} />
        <Figure name="wake p50" value={ms(wake.p50)} />
        <Figure name="wake p95" value={ms(wake.p95)} />
        <Figure name="wake p99" value={ms(wake.p99)} />
      </dl>
      <Section title="Wake latency" note="from the push to the phone’s REGISTER, by minute">
        <WakeChart minutes={data.minutes} />
      </Section>
      <div class="columns">
        <Section title="Outcomes" note="since the start">
          <Bars counts={data.outcomes} words={REASONS} link={(reason) => `#/calls?reason=${reason}`} />
        </Section>
        <Section title="Pushes" note="since the start, by answer">
          <Bars counts={data.pushes} words={{}} />
        </Section>
        <Section title="Trunks">
          {data.trunks.map((trunk) => (
            <TrunkHealth key={trunk.name} trunk={trunk} now={now} />
          ))}
        </Section>
        <Section title="APNs">
          <PushHealth push={data.push} />
        </Section>
      </div>
      <Section title="Held the longest">
        {data.oldestHeld.length === 0 ? (
          <p class="none">No call is held.</p>
        ) : (
          <ul class="held">
            {data.oldestHeld.map((call) => (
              <li key={call.callUuid}>
                <a href={`#/calls/${encodeURIComponent(call.callUuid)}`}>
                  {short(call.caller)} → {short(call.called)}
                </a>{' '}
                for <Since at={call.startedAt} now={now} />
              </li>
            ))}
          </ul>
        )}
      </Section>
    </>
  );
}

function ms(value: number | undefined): string {
  return value === undefined ? '–' : duration(value);
}

interface BarsProps {
  readonly counts: Readonly<Record<string, number>>;
  readonly words: Readonly<Record<string, string>>;
  readonly link?: (name: string) => string;
}

function Bars({ counts, words, link }: BarsProps) {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...rows.map(([, count]) => count));
  if (rows.length === 0) return <p class="none">None yet.</p>;
  return (
    <table class="bars">
      <tbody>
        {rows.map(([name, count]) => (
          <tr key={name}>
            <th scope="row" title={words[name]}>
              {link === undefined ? name : <a href={link(name)}>{name}</a>}
            </th>
            <td class="number">{number(count)}</td>
            <td class="bar" aria-hidden="true">
              <meter min={0} max={most} value={count} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const PEER_TONES: Readonly<Record<string, string>> = { 'in-service': 'good', 'out-of-service': 'bad' };

function TrunkHealth({ trunk, now }: { readonly trunk: Trunk; readonly now: number }) {
  return (
    <div class="health">
      <h3>
        {trunk.name}{' '}
        <small>
          {number(trunk.held)} held, {number(trunk.active)} active
        </small>
      </h3>
      <ul>
        {trunk.peers.map(({ peer, state, reason, since }) => (
          <li key={peer}>
            <code>{peer}</code> <Badge tone={PEER_TONES[state] ?? 'calm'}>{state}</Badge>{' '}
            <small>
              {reason}, <Since at={since} now={now} />
            </small>
          </li>
        ))}
      </ul>
    </div>
  );
}

function PushHealth({ push }: { readonly push: PushStatus }) {
  return (
    <div class="health">
      <p>
        {push.provider}: {number(push.inFlight)} under way, {number(push.queued)} waiting
      </p>
      <ul>
        {push.connections.map(({ host, state, streams }, index) => (
          <li key={`${host} ${index}`}>
            <code>{host}</code> <Badge tone={state === 'open' || state === 'ready' ? 'good' : 'calm'}>{state}</Badge>{' '}
            <small>{streams} streams</small>
          </li>
        ))}
      </ul>
      {push.lastError === undefined ? null : (
        <p class="none">
          Last error, {moment(push.lastError.at)}: {push.lastError.text}
        </p>
      )}
    </div>
  );
}
