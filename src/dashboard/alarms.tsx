import type { Alarm } from './model.js';
import { Badge, Since } from './parts.js';

/** What is wrong now, each with what to do about it. */
export function Alarms({ alarms, now }: { readonly alarms: readonly Alarm[]; readonly now: number }) {
  if (alarms.length === 0) return <p class="all-well">No alarms.</p>;
  return (
    <ul class="alarms" aria-label="Alarms">
      {alarms.map((alarm) => (
        <li key={`${alarm.name} ${alarm.subject}`} class={alarm.severity}>
          <strong>{alarm.name}</strong> <span class="subject">{alarm.subject}</span>{' '}
          <Badge tone={alarm.severity === 'warning' ? 'busy' : 'bad'}>{alarm.severity}</Badge> for{' '}
          <Since at={alarm.raisedAt} now={now} />
          <p>{alarm.reason}</p>
          <p>{alarm.text}</p>
        </li>
      ))}
    </ul>
  );
}
