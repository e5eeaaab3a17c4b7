/** When the steps of one call were seen from outside, in milliseconds on one monotonic scale. */
export interface CallMarks {
  inviteSent?: number;
  pushAtApple?: number;
  pushAtPhone?: number;
  registerSent?: number;
  registered?: number;
  invited?: number;
  ringing?: number;
  answered?: number;
}

/** What the demo measures, each from one mark to another. */
export const FIGURES: readonly { name: string; from: keyof CallMarks; to: keyof CallMarks; means: string }[] = [
  { name: 'push', from: 'inviteSent', to: 'pushAtApple', means: 'INVITE in -> push at Apple' },
  {
    name: 'wake',
    from: 'pushAtPhone',
    to: 'registered',
    means: 'push at the phone -> REGISTER accepted (the phone takes most of it)',
  },
  { name: 'resume', from: 'registered', to: 'invited', means: 'REGISTER accepted -> INVITE at the phone' },
  { name: 'setup', from: 'inviteSent', to: 'answered', means: 'INVITE in -> answered' },
];

/** The table that ends a demo: median and 99th percentile of each figure over all calls. */
export function figuresTable(calls: readonly CallMarks[]): string[] {
  const rows = FIGURES.flatMap(({ name, from, to, means }) => {
    const times = calls.flatMap((marks) => {
      const [start, end] = [marks[from], marks[to]];
      return start === undefined || end === undefined ? [] : [end - start];
    });
    if (times.length === 0) return [];
    const cells = [name.padEnd(8), ms(percentile(times, 50)), ms(percentile(times, 99)), `  ${means}`];
    return [`  ${cells.join('')}`];
  });
  if (rows.length === 0) return [];
  return [`  ${'ms'.padEnd(8)}${'p50'.padStart(10)}${'p99'.padStart(10)}`, ...rows];
}

/** Nearest-rank percentile of a list that isn't empty. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

function ms(value: number): string {
  return value.toFixed(1).padStart(10);
}
