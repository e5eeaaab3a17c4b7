/** A duration for people: `413 ms`, `1.7 s`, `42 s`, `3 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A moment as a person reads it: the time alone when it is today. */
export function moment(at: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** A number with the reader's own separators. */
export function number(value: number): string {
  return value.toLocaleString();
}

/** `sip:2001@corp.example` as `2001`, if that says enough. */
export function short(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^sips?:/, '').replace(/@.*$/, '');
}

/** What the end reasons mean, for people. */
export const REASONS: Readonly<Record<string, string>> = {
  answered: 'answered',
  cancelled: 'the caller gave up',
  'not-woken': 'nobody woke in time',
  'push-failed': 'Apple refused the push',
  unreachable: 'nothing to push to or to ring',
  rejected: 'refused by a phone',
  'no-answer': 'rang too long',
  cleared: 'ended by an operator',
  overload: 'too many calls',
  shutdown: 'callwake was ending',
  failed: "a fault of callwake's own",
};
