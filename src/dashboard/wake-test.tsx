import { useState } from 'preact/hooks';
import { postStream } from './api.js';
import type { WakeReport, WakeStep } from './model.js';
import { Badge } from './parts.js';

interface Run {
  readonly steps: readonly WakeStep[];
  readonly report?: WakeReport;
  readonly error?: string;
}

/** The button that wakes a phone, and what came of it, step by step as it happens. */
export function WakeTest({
  aor,
  device,
  onEnd,
}: {
  readonly aor: string;
  readonly device: string;
  readonly onEnd: () => void;
}) {
  const [run, setRun] = useState<Run | undefined>(undefined);
  const running = run !== undefined && run.report === undefined && run.error === undefined;
  const start = async (mode: 'silent' | 'call'): Promise<void> => {
    setRun({ steps: [] });
    try {
      await postStream(
        `/v1/devices/${encodeURIComponent(aor)}/${encodeURIComponent(device)}/wake-test`,
        { mode },
        (name, data) => {
          if (name === 'step') setRun((before) => ({ steps: [...(before?.steps ?? []), data as WakeStep] }));
          if (name === 'problem') setRun({ steps: [], error: (data as { detail: string }).detail });
          if (name === 'report') setRun({ steps: (data as WakeReport).steps, report: data as WakeReport });
        },
      );
      setRun((before) =>
        before?.report === undefined && before?.error === undefined
          ? { steps: before?.steps ?? [], error: 'the connection broke' }
          : before,
      );
    } catch (error) {
      setRun({ steps: [], error: error instanceof Error ? error.message : String(error) });
    }
    onEnd();
  };
  return (
    <div class="wake-test">
      <h3>Wake test</h3>
      <button type="button" disabled={running} onClick={() => void start('call')}>
        Wake as a call does
      </button>{' '}
      <button type="button" disabled={running} onClick={() => void start('silent')}>
        Wake silently
      </button>
      <p class="none">
        As a call: the phone shows a call for a moment. Silently: needs an alert token, and iOS may delay it.
      </p>
      {run === undefined ? null : (
        <ol aria-live="polite">
          {run.steps.map((step) => (
            <li key={step.step}>
              <Badge tone={step.ok ? 'good' : 'bad'}>{step.ok ? 'ok' : 'failed'}</Badge> {step.step}, {step.ms} ms:{' '}
              {step.text}
            </li>
          ))}
        </ol>
      )}
      {run?.report === undefined ? null : (
        <p class={run.report.woken ? 'all-well' : 'problem'} role="status">
          {run.report.verdict}
        </p>
      )}
      {run?.error === undefined ? null : (
        <p class="problem" role="alert">
          {run.error}
        </p>
      )}
    </div>
  );
}
