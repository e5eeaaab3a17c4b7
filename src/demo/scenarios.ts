import type { PhoneBehaviour, PhoneSimulator } from '../sim/phone/index.js';
import type { SimCall } from '../sim/ua/types.js';

/** The endings that the demo can show. */
export type ScenarioName = 'answered' | 'cancelled' | 'not-woken' | 'two-devices';

export interface Scenario {
  /** One sentence for the reader. */
  readonly story: string;
  /** What each of the user's phones does. */
  readonly phones: readonly { readonly platform: 'iphone' | 'ipad'; readonly behaviour: PhoneBehaviour }[];
  /** Plays the call to its end. Rejects, saying what was missing, if it did not end as the story goes. */
  play(call: SimCall, phones: readonly PhoneSimulator[]): Promise<string>;
}

const TALK_MS = 400;

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  answered: {
    story: 'A call for a sleeping iPhone wakes it, rings it, is answered and hung up.',
    phones: [{ platform: 'iphone', behaviour: { wakeDelayMs: 700, answerDelayMs: 900 } }],
    async play(call, phones) {
      await call.answered;
      await pause(TALK_MS);
      await call.hangup();
      await expectEnd(call, 'local');
      await oneInvite(phones, 1);
      return 'answered by the iPhone, hung up by the caller';
    },
  },
  cancelled: {
    story: 'The caller gives up while the iPhone is still waking: it is told, so that its screen does not ring on.',
    phones: [{ platform: 'iphone', behaviour: { wakeDelayMs: 1_500 } }],
    async play(call, [phone]) {
      await phone?.events.seen('pushed');
      const told = phone?.events.next('cancelled');
      await pause(TALK_MS);
      call.cancel('Q.850;cause=16');
      const end = await call.ended;
      if (end.status !== 487) throw new Error(`expected 487 after CANCEL, saw ${end.status ?? end.how}`);
      const cancelled = await told;
      return `487 to the caller; the iPhone, once awake, got INVITE and CANCEL (${cancelled?.reason ?? 'no reason'})`;
    },
  },
  'not-woken': {
    story: 'Nobody wakes: the caller hears ringback after 5 s and gets 480 after 13 s.',
    phones: [{ platform: 'iphone', behaviour: { deaf: true } }],
    async play(call, phones) {
      const end = await call.ended;
      if (end.status !== 480) throw new Error(`expected 480 after the hold, saw ${end.status ?? end.how}`);
      if (!call.responses.some(({ status }) => status === 180)) throw new Error('the caller heard no ringback');
      await oneInvite(phones, 0);
      return '180 after 5 s, 480 after 13 s';
    },
  },
  'two-devices': {
    story: 'The user has an iPhone and an iPad, both asleep: both wake, the iPhone answers, the iPad is told where.',
    phones: [
      { platform: 'iphone', behaviour: { wakeDelayMs: 600, answerDelayMs: 1_500 } },
      { platform: 'ipad', behaviour: { wakeDelayMs: 1_100, answer: 'ignore' } },
    ],
    async play(call, [iphone, ipad]) {
      const told = ipad?.events.next('cancelled');
      await call.answered;
      const cancelled = await told;
      if (!cancelled?.reason?.includes('Call completed elsewhere')) {
        throw new Error(`the iPad was not told where: ${cancelled?.reason ?? 'no Reason'}`);
      }
      await pause(TALK_MS);
      await call.hangup();
      await oneInvite(
        [iphone, ipad].filter((phone) => phone !== undefined),
        1,
      );
      return 'answered by the iPhone; the iPad got CANCEL "Call completed elsewhere"';
    },
  },
};

async function expectEnd(call: SimCall, how: string): Promise<void> {
  const end = await call.ended;
  if (end.how !== how) throw new Error(`expected the call to end by ${how}, saw ${end.how} ${end.status ?? ''}`);
}

async function oneInvite(phones: readonly PhoneSimulator[], expected: number): Promise<void> {
  for (const phone of phones) {
    const invites = phone.events.all('invited').length;
    const calls = Math.max(1, phone.events.all('pushed').length);
    if (invites !== expected * calls)
      throw new Error(`${invites} INVITEs for ${calls} calls at ${phone.identity.instance}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
