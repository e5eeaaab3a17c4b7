import type { Command } from 'commander';

export type Shell = 'bash' | 'zsh';

/** The words that may stand at one place of a command line. */
interface Level {
  /** The commands that lead there, such as `sim apns`. */
  readonly path: string;
  readonly commands: readonly string[];
  readonly words: readonly string[];
  /** What may follow an option that takes a value; `file`: a path. */
  readonly values: ReadonlyMap<string, readonly string[] | 'file' | 'other'>;
}

/** A script that completes commands, options, and the values that are known; zsh takes bash's. */
export function completionScript(program: Command, shell: Shell): string {
  const levels = levelsOf(program, []);
  const script = bashScript(program.name(), levels);
  return shell === 'bash' ? script : `autoload -U +X bashcompinit && bashcompinit\n${script}`;
}

function levelsOf(command: Command, path: readonly string[]): Level[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const options = help.visibleOptions(command);
  const values = new Map<string, readonly string[] | 'file' | 'other'>();
  for (const option of options) {
    if (!option.required && !option.optional) continue;
    const follows = option.argChoices ?? (/<(file|folder)>/.test(option.flags) ? 'file' : 'other');
    for (const flag of [option.long, option.short]) if (flag) values.set(flag, follows);
  }
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const flags = options.flatMap((option) => (option.long ? [option.long] : []));
  const commands = children.map((child) => child.name());
  const level = { path: path.join(' '), commands, words: [...commands, ...choices, ...flags], values };
  return [level, ...children.flatMap((child) => levelsOf(child, [...path, child.name()]))];
}

function bashScript(name: string, levels: readonly Level[]): string {
  const deeper = levels.flatMap(({ path, commands }) => commands.map((command) => `"${path}:${command}"`));
  const values = levels.flatMap((level) =>
    [...level.values].map(([flag, follows]) => {
      const what = follows === 'file' ? 'files=1' : `words="${follows === 'other' ? '' : follows.join(' ')}"`;
      return `    "${level.path}:${flag}") ${what} ;;`;
    }),
  );
  const words = levels.map((level) => `    "${level.path}:"*) words="${level.words.join(' ')}" ;;`);
  return `_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" files="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path:\${COMP_WORDS[i]}" in
      ${deeper.join(' | ')}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path:$prev" in
${[...values, ...words].join('\n')}
  esac
  if [ -n "$files" ]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o filenames -F _${name} ${name}
`;
}
