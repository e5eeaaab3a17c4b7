import { post } from './api.js';
import { Confirm } from './confirm.js';
import { short } from './format.js';
import type { CallSummary, PushedAgain } from './model.js';

/** What may be done to a call under way. */
export function CallActions({ call, onDone }: { readonly call: CallSummary; readonly onDone: () => void }) {
  const path = `/v1/calls/${encodeURIComponent(call.callUuid)}`;
  const end = async (): Promise<string> => {
    await post(`${path}/end`);
    onDone();
    return 'Ended.';
  };
  const push = async (): Promise<string> => {
    const { pushes } = await post<PushedAgain>(`${path}/push`, {});
    onDone();
    return pushes.map(({ device, outcome, reason }) => `${device.slice(0, 8)}: ${reason ?? outcome}`).join(', ');
  };
  if (call.state === 'over') return null;
  return (
    <p class="actions">
      {call.state === 'held' && call.pushes > 0 ? (
        <Confirm name="Push again" action={push}>
          Each phone that this call still waits for gets another push. It shows the same call; the hold does not get
          longer.
        </Confirm>
      ) : null}{' '}
      <Confirm name="End call" action={end}>
        {call.state === 'up'
          ? `${short(call.caller)} and ${short(call.called)} are talking: both get BYE.`
          : `${short(call.caller)} gets 480, and phones of ${short(call.called)} that ring stop.`}
      </Confirm>
    </p>
  );
}
