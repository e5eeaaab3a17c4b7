import test from 'ava';
import { stageFor } from './support.js';

const VOIP = 'ab'.repeat(32);

test.serial(
  'a token of unknown environment: BadDeviceToken is answered with one try at the other host, which is remembered',
  async (t) => {
    const stage = await stageFor(t, { edge: 'path', account: { environment: 'auto' } });
    const phone = await stage.phone({
      voipToken: VOIP,
      environment: 'sandbox',
      behaviour: { wakeDelayMs: 50, answerDelayMs: 50 },
    });
    stage.apple.registerToken({ token: VOIP, topics: ['com.example.phone.voip'], environment: 'sandbox' });
    const tries: string[] = [];
    for (let n = 0; n < 2; n++) {
      await phone.background();
      const call = stage.cucm.call({ to: '2001' });
      await call.answered;
      await call.hangup();
    }
    for (const { environment, answer, reason } of stage.apple.received)
      tries.push(`${environment} ${answer} ${reason ?? ''}`.trim());
    t.deepEqual(tries, ['production 400 BadDeviceToken', 'sandbox 200', 'sandbox 200']);
    t.deepEqual(stage.faults(), []);
  },
);
