import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { summarize } from '../../src/cli/check.js';
import { explainError } from '../../src/cli/exit.js';
import { advise } from '../../src/config/advice.js';
import { ConfigError } from '../../src/config/errors.js';
import { parseConfig } from '../../src/config/load.js';
import type { Random } from '../../src/sim/random.js';
import { mutate } from './mutate.js';
import { type Finding, NASTY, type Subject } from './subject.js';

const EXAMPLE = readFileSync('deploy/callwake.example.yaml', 'utf8');
/** Longer answers nobody reads. */
const MOST_TEXT = 200_000;

/** Configuration files that are broken as text, or whose values are not what they should be. */
export class ConfigSubject implements Subject {
  async feed(random: Random): Promise<Finding | undefined> {
    const input = random.chance(0.4) ? brokenText(random) : brokenValues(random);
    const found = whatIsWrong(input);
    return found === undefined ? undefined : { text: found, input };
  }

  async close(): Promise<void> {}
}

/** What is wrong with how that file is taken: either it can be used, or the user is told what to mend, with exit code 2. */
export function whatIsWrong(text: string): string | undefined {
  try {
    const config = parseConfig(text, { file: 'callwake.yaml', env: {} });
    summarize(config);
    advise(config);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      return `no message for the user: ${error instanceof Error ? error.stack : String(error)}`;
    }
    const { message, exitCode } = explainError(error);
    if (exitCode !== 2) return `exit code ${exitCode}`;
    if (/\n\s+at |\[object Object\]|undefined is not/.test(message)) return `not for people: ${message}`;
    if (CONTROL.test(message)) return `control characters: ${JSON.stringify(message)}`;
    if (message.length > mostText(error)) return `${message.length} characters`;
    const unplaced = error.problems.find(
      ({ path, message: told }) => path === '' && !/YAML|can't be read|unknown key|a mapping/.test(told),
    );
    return unplaced === undefined ? undefined : `it doesn't say where: ${unplaced.message}`;
  }
}

const mostText = ({ problems }: ConfigError): number => Math.min(MOST_TEXT, 2_000 + 600 * problems.length);

/** What would do something to a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

const YAML_TOKENS = [
  '&a ',
  '*a',
  '<<: *a',
  '!!binary x',
  '!!js/function "x"',
  '- ',
  '? ',
  '|',
  '>',
  '---\n',
  '\t',
  '%YAML 9',
];

function brokenText(random: Random): string {
  const text = mutate(random, Buffer.from(EXAMPLE), Buffer.from(EXAMPLE)).toString('utf8');
  if (random.chance(0.5)) return text;
  const at = random.below(text.length);
  return text.slice(0, at) + random.pick(YAML_TOKENS) + text.slice(at);
}

function brokenValues(random: Random): string {
  const config: unknown = parse(EXAMPLE);
  for (let left = 1 + random.below(4); left > 0; left--) breakOne(random, config);
  return stringify(config);
}

const FREE = { enumerable: true, writable: true, configurable: true };

/** Puts something else in the place of one value, somewhere. */
function breakOne(random: Random, root: unknown): void {
  let at: unknown = root;
  for (;;) {
    if (typeof at !== 'object' || at === null) return;
    const holder = at as Record<string, unknown>;
    const keys = Object.keys(holder);
    if (keys.length === 0) return;
    const key = random.pick(keys);
    const child = holder[key];
    if (typeof child === 'object' && child !== null && random.chance(0.8)) {
      at = child;
      continue;
    }
    if (random.chance(0.15)) Object.defineProperty(holder, random.pick(NASTY), { ...FREE, value: child });
    else holder[key] = odd(random, 3);
    return;
  }
}

/** A value that nobody expects. */
export function odd(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 9 : 7);
  if (kind === 0)
    return random.pick([0, -1, 1, 65_536, 2 ** 31, 2 ** 53, -0.5, 1e308, Number.NaN, Number.POSITIVE_INFINITY]);
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return null;
  if (kind <= 5) return random.pick(NASTY);
  if (kind === 6) return random.word(random.below(40));
  if (kind === 7) return Array.from({ length: random.below(4) }, () => odd(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length: random.below(4) }, () => [random.pick([...NASTY, random.word()]), odd(random, depth - 1)]),
  );
}
