import type { ComponentChildren } from 'preact';
import type { ApiError } from './api.js';
import { duration, REASONS } from './format.js';
import type { CallSummary } from './model.js';

/** What stands in place of data that is not there yet or can't be had. */
export function Waiting({ error, what }: { readonly error: Error | undefined; readonly what: string }) {
  if (error === undefined) return <p class="waiting">Loading {what} …</p>;
  const status = (error as ApiError).status;
  return (
    <p class="problem" role="alert">
      {status === 404 ? `There is no such ${what}.` : `Can’t show ${what}: ${error.message}`}
    </p>
  );
}

/** A heading with what belongs to it. */
export function Section({ title, children, note }: { title: string; children: ComponentChildren; note?: string }) {
  return (
    <section>
      <h2>
        {title}
        {note === undefined ? null : <small> {note}</small>}
      </h2>
      {children}
    </section>
  );
}

/** One figure with its name. */
export function Figure({
  name,
  value,
  tone,
}: {
  readonly name: string;
  readonly value: string;
  readonly tone?: string;
}) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** A word with a colour that says the same. */
export function Badge({ tone, children }: { readonly tone: string; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

const STATE_TONES: Readonly<Record<string, string>> = { held: 'busy', ringing: 'busy', up: 'good', over: 'calm' };
const GOOD_ENDS: ReadonlySet<string> = new Set(['answered', 'cancelled', 'rejected']);

/** How a call stands, or how it ended. */
export function CallState({ call }: { readonly call: CallSummary }) {
  if (call.state !== 'over') return <Badge tone={STATE_TONES[call.state] ?? ''}>{call.state}</Badge>;
  const reason = call.reason ?? 'over';
  return (
    <Badge tone={GOOD_ENDS.has(reason) ? 'calm' : 'bad'}>
      <span title={REASONS[reason]}>{reason}</span>
    </Badge>
  );
}

/** How long ago or for how long, with the full time for those who want it. */
export function Since({ at, now }: { readonly at: number; readonly now: number }) {
  return <time dateTime={new Date(at).toISOString()}>{duration(Math.max(1000, now - at))}</time>;
}
