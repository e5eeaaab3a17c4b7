import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { remove } from './api.js';
import { Confirm } from './confirm.js';
import { duration, moment, short } from './format.js';
import { useApi } from './hooks.js';
import type { Device } from './model.js';
import { Badge, Section, Waiting } from './parts.js';
import { WakeTest } from './wake-test.js';

/** The phones of an address: which sleep, why, how they are reached, and whether they wake. */
export function DevicesPage({ aor }: { readonly aor: string }) {
  const [text, setText] = useState(aor);
  const wanted = aor === '' ? undefined : `/v1/devices/${encodeURIComponent(aor)}`;
  const { data, error, again } = useApi<{ items: readonly Device[] }>(wanted, 5000);
  return (
    <>
      <h1>Devices</h1>
      <search>
        <form
          class="filters"
          onSubmit={(event) => {
            event.preventDefault();
            location.hash = `/devices?${new URLSearchParams({ aor: text.trim() })}`;
          }}
        >
          <label>
            User or address
            <input
              type="search"
              placeholder="2001 or sip:2001@corp.example"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <button type="submit">Look up</button>
        </form>
      </search>
      {wanted === undefined ? (
        <p class="none">Give a user to see the phones.</p>
      ) : data === undefined ? (
        <Waiting error={error} what="devices" />
      ) : data.items.length === 0 ? (
        <p class="none">{aor} has no phone that is registered or can be woken.</p>
      ) : (
        data.items.map((device) => <DeviceCard key={`${device.aor} ${device.id}`} device={device} onChange={again} />)
      )}
    </>
  );
}

const TONES: Readonly<Record<string, string>> = { active: 'good', suspended: 'busy', unregistered: 'calm' };

function DeviceCard({ device, onChange }: { readonly device: Device; readonly onChange: () => void }) {
  const now = Date.now();
  const place = `/v1/devices/${encodeURIComponent(device.aor)}/${encodeURIComponent(device.id)}`;
  return (
    <article class="device">
      <Section
        title={`${device.platform}${device.deviceName === undefined ? '' : ` ${device.deviceName}`}`}
        note={device.aor}
      >
        <p>
          <Badge tone={TONES[device.state.state] ?? 'calm'}>{device.state.state}</Badge> because {device.state.reason},
          last seen {moment(device.seenAt)}
        </p>
        <p class="none">
          <code>{device.id}</code> {device.userAgent}
        </p>
        <p>
          <a href={`#/calls?${new URLSearchParams({ text: short(device.aor), limit: '20' })}`}>
            The last 20 calls of {short(device.aor)}
          </a>
        </p>
        <h3>Bindings</h3>
        {device.bindings.length === 0 ? (
          <p class="none">None: it can only be woken.</p>
        ) : (
          <ul>
            {device.bindings.map((binding) => (
              <li key={`${binding.uri} ${binding.source}`}>
                <code>{binding.uri}</code> ({binding.mode}) over <code>{binding.source}</code>, for another{' '}
                {duration(Math.max(0, binding.expiresAt - now))}
                {binding.path.length === 0 ? null : (
                  <>
                    , Path <code>{binding.path.join(', ')}</code>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
        {device.bindings.length === 0 ? null : (
          <Forget name="Forget bindings" path={`${place}/bindings`} onDone={onChange}>
            As if the phone had unregistered; its tokens stay, and the next call wakes it.
          </Forget>
        )}
        <h3>Tokens</h3>
        {device.tokens.length === 0 ? (
          <p class="none">None: it can’t be woken.</p>
        ) : (
          <ul>
            {device.tokens.map((entry) => (
              <li key={`${entry.kind} ${entry.hash}`}>
                {entry.kind} <code>{entry.hash}</code> for {entry.bundleId} of {entry.teamId}
                {entry.environment === undefined ? '' : `, ${entry.environment}`}; named {moment(entry.seenAt)}{' '}
                <Forget name={`Forget ${entry.kind} token`} path={`${place}/tokens/${entry.kind}`} onDone={onChange}>
                  The phone is not woken with it any more, until it names a token again in a REGISTER.
                </Forget>
              </li>
            ))}
          </ul>
        )}
        <WakeTest aor={device.aor} device={device.id} onEnd={onChange} />
      </Section>
    </article>
  );
}

interface ForgetProps {
  readonly name: string;
  readonly path: string;
  readonly onDone: () => void;
  readonly children: ComponentChildren;
}

function Forget({ name, path, onDone, children }: ForgetProps) {
  const action = async (): Promise<string> => {
    await remove(path);
    onDone();
    return 'Forgotten.';
  };
  return (
    <Confirm name={name} action={action}>
      {children}
    </Confirm>
  );
}
