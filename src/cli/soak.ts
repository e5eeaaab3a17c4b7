import { writeFileSync } from 'node:fs';
import { reportOf } from '../demo/soak/report.js';
import { runSoak, type SoakOptions } from '../demo/soak/run.js';
import type { ExitCode } from './exit.js';

export interface SoakCommandOptions extends Omit<SoakOptions, 'seed' | 'write'> {
  /** Default: any. */
  readonly seed?: number;
  /** A file for the result. */
  readonly json?: string;
}

/** `callwake soak`: runs and prints the report. Gives 0 when nothing was found. */
export async function runSoakCommand(
  { seed = Math.floor(Math.random() * 2 ** 32), json, ...options }: SoakCommandOptions,
  write: (line: string) => void,
): Promise<ExitCode> {
  write(`seed ${seed}`);
  const result = await runSoak({ ...options, seed, write });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, undefined, 2)}\n`);
  write(reportOf(result));
  return result.findings.length === 0 ? 0 : 1;
}
