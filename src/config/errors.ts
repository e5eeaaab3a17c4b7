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

/** The configuration can't be used. Holds every problem at once, so that one look is enough to put all of them right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => describe(file, problem)).join('\n'));
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

/** A value as it may be shown: on one line, short, and nothing of a secret. */
export function showValue(path: ConfigPath, value: unknown): string {
  const last = path.findLast((step) => typeof step === 'string');
  if (typeof last === 'string' && /secret|password|passphrase|privatekey/i.test(last)) return '(hidden)';
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
  return problem.path === '' ? `${where}: ${problem.message}` : `${where}: ${problem.path}: ${problem.message}`;
}
