import { moment } from './format.js';
import { useApi } from './hooks.js';
import type { DeviceEvent } from './model.js';

/** What happened to a phone lately, the newest first. */
export function DeviceHistory({ place }: { readonly place: string }) {
  const { data } = useApi<{ items: readonly DeviceEvent[] }>(`${place}/history`, 5000);
  if (data === undefined || data.items.length === 0) return null;
  return (
    <>
      <h3>Lately</h3>
      <ol class="lately">
        {data.items.map(({ at, what, text, times, callUuid }) => (
          <li key={`${at} ${what} ${text} ${callUuid}`}>
            <time dateTime={new Date(at).toISOString()}>{moment(at)}</time>{' '}
            {callUuid === undefined ? what : <a href={`#/calls/${encodeURIComponent(callUuid)}`}>{what}</a>}: {text}
            {times > 1 ? `, ${times} times` : ''}
          </li>
        ))}
      </ol>
    </>
  );
}
