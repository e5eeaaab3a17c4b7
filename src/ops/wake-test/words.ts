import type { PhoneAnswer } from '../../calls/phone-probe.js';
import { reactionTo } from '../../push/apns/reactions.js';
import type { PushOutcome } from '../../push/provider.js';
import type { WakeMode, WakeStep, WakeStepName } from './types.js';

/** What became of the push, in words; `registered` when the phone was back before the push service had answered. */
export function outcomeInWords(outcome: PushOutcome | 'registered', mode: WakeMode): string {
  if (outcome === 'registered') return 'the phone was back before Apple had answered';
  const kind = mode === 'silent' ? 'background push' : 'VoIP push';
  switch (outcome.kind) {
    case 'accepted':
      return `Apple took the ${kind} (apns-id ${outcome.apnsId}, answer in ${Math.round(outcome.answerMs)} ms)`;
    case 'refused':
      return outcome.status === 0
        ? `the ${kind} could not be sent: ${outcome.reason}`
        : `Apple refused the ${kind}: ${outcome.status} ${outcome.reason}`;
    case 'unreachable':
      return `no answer from Apple: ${outcome.reason}`;
    case 'withdrawn':
      return 'the push was withdrawn';
  }
}

/** How the phone answered, in words. */
export function answerInWords(method: string, { status, reason, local }: PhoneAnswer): string {
  if (!local) return `${method} was answered with ${status} ${reason}`;
  return status === 408 ? `no answer to ${method}` : `${method} could not be sent: ${status} ${reason}`;
}

/** What to do when a step failed. */
const ADVICE: Readonly<Record<WakeStepName, string>> = {
  device: '',
  push: 'Look at the reason: "NoToken" means that the phone has registered no token of that kind, or that its platform gets no pushes (devices.pushPlatforms).',
  register:
    'Apple took the push and the phone did not come. Is it switched on and on a network? Was the app closed by hand (swiped away)? Can the phone reach the edge? Did its REGISTER get refused (look for "register refused" in the log)?',
  options:
    'The phone registered and does not answer over that binding: the edge has not kept its connection, or the Path or Contact leads nowhere.',
  call: 'The phone answers OPTIONS and did not ring for an INVITE: look at the status, and at the app.',
};

/** Where a test broke and what to do about it, or that all is well. */
export function verdictOf(steps: readonly WakeStep[], mode: WakeMode): string {
  const broken = steps.find(({ ok }) => !ok);
  if (broken === undefined) {
    return steps.some(({ step }) => step === 'push')
      ? `The phone wakes: back in ${steps.find(({ step }) => step === 'register')?.ms ?? 0} ms.`
      : 'The phone is awake and answers.';
  }
  const [, status, reason] = /: (\d{3}) (\w+)$/.exec(broken.text) ?? [];
  const advice =
    broken.step === 'push' && status !== undefined && reason !== undefined
      ? inWords(Number(status), reason)
      : broken.step === 'register' && mode === 'silent'
        ? `${ADVICE.register} A background push may also be delayed by iOS: try again as a call.`
        : ADVICE[broken.step];
  return `It broke at ${broken.step}: ${broken.text}. ${advice}`.trim();
}

function inWords(status: number, reason: string): string {
  const { meaning, advice } = reactionTo(status, reason);
  return `${meaning} ${advice}`;
}
