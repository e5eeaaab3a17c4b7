import { useState } from 'preact/hooks';
import { Alarms } from './alarms.js';
import { moment, number } from './format.js';
import { useApi, useKept, useSettled, useThrottled } from './hooks.js';
import type { Alarm } from './model.js';
import { Badge, Section, Waiting } from './parts.js';

const LIMIT = 200;

interface Answer {
  readonly active: readonly Alarm[];
  readonly history: readonly Alarm[];
  readonly total: number;
}

/** What is wrong now, and what was: searched by subject and reason, and by name. */
export function AlarmsPage({ query, change }: { readonly query: URLSearchParams; readonly change: number }) {
  const [text, setText] = useState(query.get('text') ?? '');
  const name = query.get('name') ?? '';
  const wanted = new URLSearchParams({ limit: String(LIMIT) });
  const settled = useSettled(text.trim(), 200);
  if (settled !== '') wanted.set('text', settled);
  if (name !== '') wanted.set('name', name);
  const { data: answer, error, again } = useApi<Answer>(`/v1/alarms?${wanted}`);
  // The search stays where it is while another one is asked: who types must not lose the field.
  const data = useKept(answer);
  useThrottled(change, again, 1000);
  if (data === undefined) return <Waiting error={error} what="alarms" />;
  const { active, history, total } = data;
  return (
    <>
      <h1>Alarms</h1>
      <Alarms alarms={active} now={Date.now()} />
      <Section title="History" note="the newest first, over restarts">
        <search>
          <form class="filters" onSubmit={(event) => event.preventDefault()}>
            <label>
              Device, trunk, reason
              <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </label>
          </form>
        </search>
        <p aria-live="polite">
          {number(total)} change{total === 1 ? '' : 's'}
          {total > history.length ? `, the last ${number(history.length)} are shown` : ''}
          {name === '' ? null : (
            <>
              {' '}
              of {name}; <a href="#/alarms">all alarms</a>
            </>
          )}
        </p>
        {history.length === 0 ? null : <HistoryTable history={history} />}
      </Section>
    </>
  );
}

const TONES: Readonly<Record<Alarm['state'], string>> = { active: 'bad', event: 'busy', cleared: 'good' };
const WORDS: Readonly<Record<Alarm['state'], string>> = { active: 'raised', event: 'happened', cleared: 'cleared' };

function HistoryTable({ history }: { readonly history: readonly Alarm[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="scroll" tabIndex={0} aria-label="Changes of alarms">
      <table class="history">
        <thead>
          <tr>
            <th scope="col">when</th>
            <th scope="col">what</th>
            <th scope="col">alarm</th>
            <th scope="col">subject</th>
            <th scope="col">reason</th>
          </tr>
        </thead>
        <tbody>
          {history.map((alarm, index) => (
            <tr key={`${alarm.raisedAt} ${alarm.name} ${alarm.subject} ${alarm.state} ${index}`}>
              <td>{moment(alarm.clearedAt ?? alarm.raisedAt)}</td>
              <td>
                <Badge tone={TONES[alarm.state]}>{WORDS[alarm.state]}</Badge>
              </td>
              <td>
                <a href={`#/alarms?${new URLSearchParams({ name: alarm.name })}`}>{alarm.name}</a>
              </td>
              <td>
                <Subject text={alarm.subject} />
              </td>
              <td title={alarm.text}>{alarm.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The subject, with a way to the phone that it names. */
function Subject({ text }: { readonly text: string }) {
  const aor = /^device \S+ of (\S+)/.exec(text)?.[1];
  return aor === undefined ? <span>{text}</span> : <a href={`#/devices?${new URLSearchParams({ aor })}`}>{text}</a>;
}
