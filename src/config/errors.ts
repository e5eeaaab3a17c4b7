/** A place in the configuration: `['trunks', 0, 'hold']`. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** Such as `trunks[0].hold`; empty for the file as a whole. */
  readonly path: string;
  /** From 1; undefined when the value doesn't come from the file. */
  readonly line?: number;
  readonly column?: number;
  /** The environment variable that set the value. */
  readonly variable?: string;
  /** One sentence: the value given (secrets masked), what is allowed, which key was probably meant. */
  readonly message: string;
}

/** More than that nobody reads: a file that is none of ours may have thousands. */
const MOST_TOLD = 50;
const MAX_PATH = 200;

/** The configuration can't be used. Holds every problem at once, so that one look is enough to put all of them right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const told = problems.slice(0, MOST_TOLD).map((problem) => describe(file, problem));
    const more = problems.length - told.length;
    super([...told, ...(more > 0 ? [`${file}: ${more} more problems`] : [])].join('\n'));
    this.file = file;
    this.problems = problems;
  }
}

/** `trunks[0].hold` of `['trunks', 0, 'hold']`. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Whether the value of a key of that name is nobody's business. */
export function isSecret(key: string): boolean {
  return /secret|password|passphrase|privatekey/i.test(key);
}

/** A value as it may be shown: on one line, short, and nothing of a secret. */
export function showValue(path: ConfigPath, value: unknown): string {
  const last = path.findLast((step) => typeof step === 'string');
  if (typeof last === 'string' && isSecret(last)) return '(hidden)';
  let text: string;
  if (typeof value === 'string' && /:\/\/[^/\s]*@/.test(value)) text = '(a URL with user or password)';
  else if (typeof value === 'string') text = /PRIVATE KEY/.test(value) ? '(a private key)' : JSON.stringify(value);
  else if (Array.isArray(value)) text = value.length === 0 ? 'an empty list' : 'a list';
  else if (typeof value === 'object' && value !== null) text = 'a mapping';
  else if (value === null || value === undefined) text = 'nothing';
  else text = String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function describe(file: string, problem: ConfigProblem): string {
  let where = file;
  if (problem.variable !== undefined) where = problem.variable;
  else if (problem.line !== undefined) where = `${file}:${problem.line}:${problem.column ?? 1}`;
  const path = problem.path.length > MAX_PATH ? `${problem.path.slice(0, MAX_PATH)}...` : problem.path;
  return printable([where, ...(path === '' ? [] : [path]), problem.message].join(': '));
}

/** A text in which nothing does anything to a terminal or a log: control characters and those that turn the writing round are written as escapes. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
