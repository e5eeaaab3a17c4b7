import { Fragment } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { CallActions } from './call-actions.js';
import { duration, moment, REASONS, short } from './format.js';
import { useApi, useThrottled } from './hooks.js';
import { Ladder } from './ladder.js';
import { messagesByEvent } from './messages.js';
import type { CallDetail, CallEvent, CallMessage } from './model.js';
import { CallState, Waiting } from './parts.js';

/** One call as a ladder; a click on an arrow shows all that is known of the event. */
export function CallPage({ id, change }: { readonly id: string; readonly change: number }) {
  const path = `/v1/calls/${encodeURIComponent(id)}`;
  const { data, error, again } = useApi<CallDetail>(path);
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  useThrottled(data?.summary.state === 'over' ? undefined : change, again, 500);
  const messages = useMemo(() => (data === undefined ? [] : messagesByEvent(data)), [data]);
  if (data === undefined) return <Waiting error={error} what="call" />;
  const { summary, events, dropped } = data;
  const event = chosen === undefined ? undefined : events[chosen];
  return (
    <>
      <p>
        <a href="#/calls">Calls</a>
      </p>
      <h1>
        {short(summary.caller)} → {short(summary.called)} <CallState call={summary} />
      </h1>
      <CallActions call={summary} onDone={again} />
      <dl class="facts">
        <dt>when</dt>
        <dd>{moment(summary.startedAt)}</dd>
        {summary.reason === undefined ? null : (
          <>
            <dt>ended</dt>
            <dd>{REASONS[summary.reason] ?? summary.reason}</dd>
          </>
        )}
        {summary.wakeTook === undefined ? null : (
          <>
            <dt>woke in</dt>
            <dd>{duration(summary.wakeTook)}</dd>
          </>
        )}
        <dt>call UUID</dt>
        <dd>
          <code>{summary.callUuid}</code>
        </dd>
        {summary.callId === undefined ? null : (
          <>
            <dt>Call-ID</dt>
            <dd>
              <code>{summary.callId}</code>
            </dd>
          </>
        )}
        {summary.sessionId === undefined ? null : (
          <>
            <dt>Session-ID</dt>
            <dd>
              <code>{summary.sessionId}</code>
            </dd>
          </>
        )}
      </dl>
      <div class="ladder-and-event">
        <Ladder
          parties={data.parties}
          events={events}
          several={summary.devices > 1}
          chosen={chosen}
          onChoose={setChosen}
        />
        <aside aria-live="polite" aria-label="The chosen event">
          {event === undefined ? (
            <p class="none">Choose an event to see all of it.</p>
          ) : (
            <>
              <EventDetail event={event} />
              <Message
                message={chosen === undefined ? undefined : messages[chosen]}
                kept={data.messages.length > 0}
                event={event}
              />
            </>
          )}
        </aside>
      </div>
      {dropped === 0 ? null : <p class="none">{dropped} more events were not kept.</p>}
    </>
  );
}

function EventDetail({ event }: { readonly event: CallEvent }) {
  return (
    <>
      <h2>{event.type}</h2>
      <dl class="facts">
        <dt>at</dt>
        <dd>
          {event.ms.toFixed(1)} ms, {moment(event.at)}
        </dd>
        {Object.entries(event.fields).map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{String(value)}</code>
            </dd>
          </Fragment>
        ))}
      </dl>
    </>
  );
}

/** The SIP message behind an arrow, or why there is none to see. */
function Message({
  message,
  kept,
  event: { arrow, fields },
}: {
  readonly message: CallMessage | undefined;
  readonly kept: boolean;
  readonly event: CallEvent;
}) {
  if (message === undefined) {
    if (fields.by === 'engine') {
      return <p class="none">The SIP engine sends this by itself: its text is not kept.</p>;
    }
    const sip = arrow.to !== undefined && arrow.from !== 'apns' && arrow.to !== 'apns';
    return sip && !kept ? (
      <p class="none">
        SIP messages are not kept; <code>timeline.messages: true</code> keeps them.
      </p>
    ) : null;
  }
  const { protocol, from, to, text } = message;
  return (
    <>
      <h3>
        SIP over {protocol}, {from.address}:{from.port} → {to.address}:{to.port}
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre class="message" tabIndex={0}>
        {text}
      </pre>
    </>
  );
}
