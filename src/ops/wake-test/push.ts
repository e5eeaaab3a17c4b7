import type { TokenPush } from '../../calls/token-push.js';
import { voipPayload } from '../../push/payload.js';
import type { WakePush } from './types.js';

/** What the phone shows for the moment that a test call lasts. */
const CALLER = 'Wake test';

/** The pushes of wake tests: `call` as for a call, `silent` a background push to the token for alerts. */
export function wakePushOver(pushes: TokenPush): WakePush {
  return ({ mode, device, callUuid, deadline }) => {
    const order = { device, callUuid, deadline, expiresAt: deadline };
    if (mode === 'silent') {
      const payload = { aps: { 'content-available': 1 }, callwake: { v: 1, type: 'wake-test', id: callUuid } };
      return pushes.push('background', { ...order, payload });
    }
    return pushes.push('voip', {
      ...order,
      payload: (to) =>
        voipPayload(
          {
            callUuid,
            callerName: CALLER,
            calledNumber: device.aor.slice(device.aor.indexOf(':') + 1, device.aor.lastIndexOf('@')),
            video: false,
            trunk: '',
            expiresAt: deadline,
            privacy: false,
          },
          to,
        ),
    });
  };
}
