import type { ComponentChildren } from 'preact';
import { remove } from './api.js';
import { Confirm } from './confirm.js';
import { DeviceHistory } from './device-history.js';
import { duration, moment, short } from './format.js';
import type { Device } from './model.js';
import { Badge, Section } from './parts.js';
import { WakeTest } from './wake-test.js';

const TONES: Readonly<Record<string, string>> = { active: 'good', suspended: 'busy', unregistered: 'calm' };

/** All that is known of a phone, and its wake test. */
export function DeviceCard({ device, onChange }: { readonly device: Device; readonly onChange: () => void }) {
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
        <DeviceHistory place={place} />
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
