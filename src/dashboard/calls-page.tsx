import { useState } from 'preact/hooks';
import { duration, moment, number, REASONS, short } from './format.js';
import { useApi, useSettled, useThrottled } from './hooks.js';
import type { CallSummary } from './model.js';
import { CallState, Waiting } from './parts.js';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;
const STATES = ['', 'held', 'ringing', 'up', 'over'];

/** Calls, the newest first: search, filter, a page at a time. */
export function CallsPage({ query, change }: { readonly query: URLSearchParams; readonly change: number }) {
  const [text, setText] = useState(query.get('text') ?? '');
  const [state, setState] = useState(query.get('state') ?? '');
  const [offset, setOffset] = useState(0);
  const reason = query.get('reason') ?? '';
  const page = Math.min(MAX_PAGE, Math.max(1, Math.trunc(Number(query.get('limit')) || DEFAULT_PAGE)));
  const wanted = new URLSearchParams({ limit: String(page), offset: String(offset) });
  const settled = useSettled(text.trim(), 100);
  if (settled !== '') wanted.set('text', settled);
  if (state !== '') wanted.set('state', state);
  if (reason !== '') wanted.set('reason', reason);
  const { data, error, again } = useApi<{ calls: readonly CallSummary[]; total: number }>(`/v1/calls?${wanted}`);
  useThrottled(change, again, 1000);
  return (
    <>
      <h1>Calls</h1>
      <search>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <label>
            Number, Call-ID, Session-ID
            <input
              type="search"
              value={text}
              onInput={(event) => {
                setText(event.currentTarget.value);
                setOffset(0);
              }}
            />
          </label>
          <label>
            State
            <select
              value={state}
              onChange={(event) => {
                setState(event.currentTarget.value);
                setOffset(0);
              }}
            >
              {STATES.map((name) => (
                <option key={name} value={name}>
                  {name === '' ? 'any' : name}
                </option>
              ))}
            </select>
          </label>
          <label>
            Ended because
            <select
              value={reason}
              onChange={(event) => {
                location.hash = `/calls?${new URLSearchParams({ reason: event.currentTarget.value })}`;
                setOffset(0);
              }}
            >
              <option value="">any</option>
              {Object.entries(REASONS).map(([name, words]) => (
                <option key={name} value={name}>
                  {name}: {words}
                </option>
              ))}
            </select>
          </label>
        </form>
      </search>
      {data === undefined ? (
        <Waiting error={error} what="calls" />
      ) : (
        <>
          <p aria-live="polite">
            {number(data.total)} call{data.total === 1 ? '' : 's'}
          </p>
          <CallTable calls={data.calls} />
          <nav class="pages" aria-label="Pages of calls">
            <button type="button" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - page))}>
              Newer
            </button>
            <button type="button" disabled={offset + page >= data.total} onClick={() => setOffset(offset + page)}>
              Older
            </button>
          </nav>
        </>
      )}
    </>
  );
}

function CallTable({ calls }: { readonly calls: readonly CallSummary[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="scroll" tabIndex={0} aria-label="List of calls">
      <table class="calls">
        <thead>
          <tr>
            <th scope="col">when</th>
            <th scope="col">from</th>
            <th scope="col">to</th>
            <th scope="col">state</th>
            <th scope="col">woke in</th>
            <th scope="col">rang after</th>
            <th scope="col">pushes</th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => (
            <tr key={call.callUuid}>
              <td>
                <a href={`#/calls/${encodeURIComponent(call.callUuid)}`}>{moment(call.startedAt)}</a>
              </td>
              <td>{short(call.caller)}</td>
              <td title={call.called}>{short(call.called)}</td>
              <td>
                <CallState call={call} />
              </td>
              <td class="number">{call.wakeTook === undefined ? '' : duration(call.wakeTook)}</td>
              <td class="number">{call.ringingAfter === undefined ? '' : duration(call.ringingAfter)}</td>
              <td class="number">{call.pushes}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
