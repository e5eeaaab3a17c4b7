import type { ExitCode } from '../exit.js';
import type { ApiOptions } from './client.js';

/** What every command over the API takes. */
export interface ReportOptions extends ApiOptions {
  readonly json?: boolean;
}

/** What a command works with: the environment, and where its text goes. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly write: (text: string) => void;
  /** Ends the command with another exit code than 0. */
  readonly end: (code: ExitCode) => void;
}
