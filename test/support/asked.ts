import { Command } from 'commander';
import { addApiCommands } from '../../src/cli/api/commands.js';
import { explainError } from '../../src/cli/exit.js';

/** What a command left behind. */
export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The commands against a callwake, in this process: a process each would take most of the test's time. */
export function asked(url: string, config = 'nowhere.yaml') {
  return async (...args: readonly string[]): Promise<Said> => {
    let [status, stdout]: [number, string] = [0, ''];
    const program = new Command('callwake').exitOverride();
    const context = {
      env: {},
      write: (text: string) => {
        stdout += text;
      },
      end: (code: number) => {
        status = code;
      },
    };
    addApiCommands(program, config, context);
    try {
      await program.parseAsync([...args, '--url', url], { from: 'user' });
      return { status, stdout, stderr: '' };
    } catch (error) {
      const { message, exitCode } = explainError(error);
      return { status: exitCode, stdout, stderr: `${message}\n` };
    }
  };
}
