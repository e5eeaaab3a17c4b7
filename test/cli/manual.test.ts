import test from 'ava';
import { examplesOf } from '../../src/cli/manual.js';
import { makeProgram } from '../../src/cli/program.js';

test('every command has a place in the list and examples in its help, made of options and values that there are', (t) => {
  const program = makeProgram(() => {});
  const list = program.helpInformation();
  for (const heading of ['Run it:', 'Look at one that runs:', 'Operate one that runs:', 'Try:']) {
    t.true(list.includes(`\n${heading}\n`), heading);
  }
  const visible = program.createHelp().visibleCommands(program);
  for (const command of visible) {
    const name = command.name();
    if (name === 'help') continue;
    const examples = examplesOf(name);
    t.true(examples.length > 0, name);
    let help = '';
    command.configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
    command.outputHelp();
    for (const line of examples) {
      t.true(help.includes(`\n  ${line}\n`), line);
      const words = line.replace(/^source <\((.*)\)$/, '$1').split(' ');
      t.deepEqual(words.slice(0, 2), ['callwake', name], line);
      for (const word of words.filter((part) => part.startsWith('--') && part !== '--help')) {
        const option = command.options.find(({ long }) => long === word);
        t.truthy(option, `${line}: ${word}`);
        const value = words[words.indexOf(word) + 1] ?? '';
        if (option?.argChoices) t.true(option.argChoices.includes(value), `${line}: ${value}`);
      }
    }
  }
});
