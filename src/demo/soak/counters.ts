/** What an app has counted since it began, as `/metrics` says. */
export interface Counted {
  /** Calls that came, and that are over. */
  readonly begun: number;
  readonly ended: number;
  /** At the moment. */
  readonly held: number;
  readonly active: number;
}

/** Reads the counters of calls. @throws Error when nobody answers */
export async function readCounters(api: string): Promise<Counted> {
  const text = await (await fetch(`${api}/metrics`)).text();
  const sum = (name: string, label = ''): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  return {
    begun: sum('callwake_calls_total'),
    ended: sum('callwake_calls_ended_total'),
    held: sum('callwake_calls', 'state="held"'),
    active: sum('callwake_calls', 'state="active"'),
  };
}
