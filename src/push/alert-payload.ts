import type { CallFacts } from './payload.js';
import { cutText } from './payload.js';

/** What an alert tells of a call that is over. */
export type MissedFacts = Pick<CallFacts, 'callUuid' | 'callerName' | 'callerNumber' | 'calledNumber' | 'privacy'> & {
  readonly why: 'missed' | 'answered-elsewhere';
  /** Epoch milliseconds of the call. */
  readonly at: number;
};

/** What a notification shows of a name; five such texts fit into Apple's 4096 bytes whatever they hold. */
const MAX_CHARACTERS = 64;

const TITLES = { missed: 'Missed call', 'answered-elsewhere': 'Answered on another device' } as const;

/**
 * The body of an alert push about a missed call, or one that another device took. An app that wants to say it in the user's language
 * takes `callwake.type` in a notification service extension. Within Apple's 4096 bytes whatever a caller is called.
 */
export function missedCallPayload(facts: MissedFacts): Readonly<Record<string, unknown>> {
  const { callUuid, calledNumber, why, at, privacy } = facts;
  const name = privacy ? undefined : cutText(facts.callerName, MAX_CHARACTERS);
  const number = privacy ? undefined : cutText(facts.callerNumber, MAX_CHARACTERS);
  const caller =
    name !== undefined && number !== undefined ? `${name} (${number})` : (name ?? number ?? 'Unknown caller');
  return {
    aps: {
      alert: { title: TITLES[why], body: caller },
      ...(why === 'missed' ? { sound: 'default' } : {}),
      'mutable-content': 1,
      'thread-id': 'callwake.calls',
    },
    callwake: {
      v: 1,
      type: why === 'missed' ? 'missed-call' : 'answered-elsewhere',
      callUuid,
      ...(name === undefined ? {} : { callerName: name }),
      ...(number === undefined ? {} : { callerNumber: number }),
      calledNumber: cutText(calledNumber, MAX_CHARACTERS) ?? '',
      at,
      privacy,
    },
  };
}
