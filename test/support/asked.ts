import { Command } from 'commander';
import { addApiCommands } from '../../src/cli/api/commands.js';
import { explainError } from '../../src/cli/exit.js';
import type { Stage } from '../../src/demo/stage.js';

/** What a command left behind. */
export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The commands against a callwake, in this process: a process each would take most of the test's time. They reject when they show a secret of the stage
 * whose callwake it is.
 */
export function asked(url: string, stage?: Pick<Stage, 'configFile' | 'callwake'>) {
  const noSecret = (said: Said): Said => {
    const shown = stage?.callwake.secrets.findIn(said.stdout + said.stderr, false) ?? [];
    if (shown.length > 0) throw new Error(`the command shows ${shown.join(', ')}:\n${said.stdout}${said.stderr}`);
    return said;
  };
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
    addApiCommands(program, stage?.configFile ?? 'nowhere.yaml', context);
    let stderr = '';
    try {
      await program.parseAsync([...args, '--url', url], { from: 'user' });
    } catch (error) {
      const { message, exitCode } = explainError(error);
      status = exitCode;
      stderr = `${message}\n`;
    }
    return noSecret({ status, stdout, stderr });
  };
}
