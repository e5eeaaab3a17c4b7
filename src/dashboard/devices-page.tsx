import { useEffect, useState } from 'preact/hooks';
import { DeviceCard } from './device-card.js';
import { moment, number, short } from './format.js';
import { useApi, useSettled } from './hooks.js';
import type { Device, FoundDevices } from './model.js';
import { Badge, Waiting } from './parts.js';

const PAGE = 50;
const STATES = ['active', 'suspended', 'unregistered', 'unreachable'] as const;

/** Phones: all of them or those that fit, and those of one address in full. */
export function DevicesPage({ query }: { readonly query: URLSearchParams }) {
  const aor = query.get('aor') ?? '';
  return aor === '' ? <FindDevices query={query} /> : <DevicesOf aor={aor} />;
}

function FindDevices({ query }: { readonly query: URLSearchParams }) {
  const [text, setText] = useState(query.get('text') ?? '');
  const state = query.get('state') ?? '';
  const after = query.get('after') ?? '';
  const settled = useSettled(text.trim(), 100);
  useEffect(() => {
    if (settled !== (query.get('text') ?? '')) go({ text: settled, state }, true);
  }, [settled]);
  const wanted = new URLSearchParams({ limit: String(PAGE), text: settled });
  if (state !== '') wanted.set('state', state);
  if (after !== '') wanted.set('after', after);
  const { data, error, again } = useApi<FoundDevices>(`/v1/devices?${wanted}`, 5000);
  useEffect(() => {
    if (data?.reading !== true) return;
    const timer = setTimeout(again, 500);
    return () => clearTimeout(timer);
  }, [data]);
  return (
    <>
      <h1>Devices</h1>
      <search>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <label>
            Number, device, User-Agent, token
            <input
              type="search"
              placeholder="2001, iOS 18, token:4f2a…"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <label>
            State
            <select value={state} onChange={(event) => go({ text: settled, state: event.currentTarget.value })}>
              <option value="">any</option>
              {STATES.map((name) => (
                <option key={name} value={name}>
                  {name}
                  {data === undefined ? '' : ` (${number(data.states[name])})`}
                </option>
              ))}
            </select>
          </label>
        </form>
      </search>
      {data === undefined ? (
        <Waiting error={error} what="devices" />
      ) : (
        <>
          <p aria-live="polite">
            {number(data.total)} device{data.total === 1 ? '' : 's'}
            {data.reading ? ' so far: callwake is still reading them' : ''}
          </p>
          <DeviceTable devices={data.items.flatMap(({ devices }) => devices)} />
          <nav class="pages" aria-label="Pages of devices">
            <button type="button" disabled={after === ''} onClick={() => history.back()}>
              Back
            </button>
            <button
              type="button"
              disabled={data.next === undefined}
              onClick={() => go({ text: settled, state, after: data.next ?? '' })}
            >
              More
            </button>
          </nav>
        </>
      )}
    </>
  );
}

/** Shows the page with these; `quietly` without a step back to the one before. */
function go(wanted: Readonly<Record<string, string>>, quietly = false): void {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ''));
  const hash = `#/devices${query.size === 0 ? '' : `?${query}`}`;
  if (quietly) location.replace(hash);
  else location.hash = hash;
}

const TONES: Readonly<Record<string, string>> = { active: 'good', suspended: 'busy', unreachable: 'bad' };

function DeviceTable({ devices }: { readonly devices: readonly Device[] }) {
  if (devices.length === 0) return <p class="none">No phone is registered or can be woken that fits.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="scroll" tabIndex={0} aria-label="Devices">
      <table class="calls">
        <thead>
          <tr>
            <th scope="col">user</th>
            <th scope="col">state</th>
            <th scope="col">device</th>
            <th scope="col">tokens</th>
            <th scope="col">last seen</th>
            <th scope="col">User-Agent</th>
          </tr>
        </thead>
        <tbody>
          {devices.map((device) => (
            <tr key={`${device.aor} ${device.id}`}>
              <td title={device.aor}>
                <a href={`#/devices?${new URLSearchParams({ aor: device.aor })}`}>{short(device.aor)}</a>
              </td>
              <td title={device.state.reason}>
                <Badge tone={TONES[device.state.state] ?? 'calm'}>{device.state.state}</Badge>
              </td>
              <td title={device.id}>
                {device.platform} {device.deviceName}
              </td>
              <td>{device.tokens.map(({ kind }) => kind).join(', ') || 'none'}</td>
              <td>{moment(device.seenAt)}</td>
              <td>{device.userAgent}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function DevicesOf({ aor }: { readonly aor: string }) {
  const { data, error, again } = useApi<{ items: readonly Device[] }>(`/v1/devices/${encodeURIComponent(aor)}`, 5000);
  return (
    <>
      <p>
        <a href="#/devices">Devices</a>
      </p>
      <h1>Devices of {short(aor)}</h1>
      {data === undefined ? (
        <Waiting error={error} what="devices" />
      ) : data.items.length === 0 ? (
        <p class="none">{aor} has no phone that is registered or can be woken.</p>
      ) : (
        data.items.map((device) => <DeviceCard key={`${device.aor} ${device.id}`} device={device} onChange={again} />)
      )}
    </>
  );
}
