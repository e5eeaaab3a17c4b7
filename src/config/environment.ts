import { parse } from 'yaml';
import { type ConfigPath, type ConfigProblem, formatPath } from './errors.js';
import { shapeAt } from './shape.js';
import { plain, suggest } from './suggest.js';

/** Environment variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One value that the environment sets. */
export interface Override {
  readonly variable: string;
  readonly path: ConfigPath;
  readonly value: unknown;
}

export interface Overrides {
  readonly overrides: readonly Override[];
  readonly problems: readonly ConfigProblem[];
}

const PREFIX = 'CALLWAKE_';

/**
 * Reads `CALLWAKE_<PATH>` variables: `__` stands between the steps of a path, numbers count list entries from 0, upper and
 * lower case and single `_` don't matter: `CALLWAKE_TRUNKS__0__RINGBACK_AFTER=3s`. Values are YAML, so lists work:
 * `CALLWAKE_DOMAINS='[a.example, b.example]'`. A variable without `__` that names no top-level key is none of ours
 * (container platforms set such as `CALLWAKE_SERVICE_HOST`).
 */
export function readOverrides(env: Environment): Overrides {
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, raw] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || raw === undefined) continue;
    const steps = variable.slice(PREFIX.length).split('__');
    const found = resolveSteps(steps);
    if ('path' in found) {
      try {
        overrides.push({ variable, path: found.path, value: convert(found.path, raw) });
      } catch {
        problems.push({ path: formatPath(found.path), variable, message: 'is not YAML; quote the value' });
      }
    } else if (steps.length > 1) {
      problems.push({ path: formatPath(found.known), variable, message: found.message });
    }
  }
  overrides.sort((a, b) => a.path.length - b.path.length || (a.variable < b.variable ? -1 : 1));
  return { overrides, problems };
}

function resolveSteps(steps: readonly string[]): { path: ConfigPath } | { known: ConfigPath; message: string } {
  const path: (string | number)[] = [];
  for (const step of steps) {
    const shape = shapeAt(path);
    if (shape?.kind === 'list') {
      if (!/^\d{1,4}$/.test(step)) return { known: path, message: `${step} is no list entry; count them from 0` };
      path.push(Number(step));
      continue;
    }
    const keys = shape?.keys ?? [];
    const key = keys.find((candidate) => plain(candidate) === plain(step));
    if (key === undefined) return { known: path, message: unknownKey(step, keys) };
    path.push(key);
  }
  return { path };
}

/** "unknown key x; did you mean y?" or, when nothing is near, the keys that there are. */
export function unknownKey(key: string, keys: readonly string[]): string {
  const shown = JSON.stringify(key.length > 60 ? `${key.slice(0, 57)}...` : key);
  const meant = suggest(key, keys);
  if (meant !== undefined) return `unknown key ${shown}; did you mean ${meant}?`;
  return keys.length === 0 ? `unknown key ${shown}` : `unknown key ${shown}; known here: ${keys.join(', ')}`;
}

function convert(path: ConfigPath, raw: string): unknown {
  return shapeAt(path)?.kind === 'text' ? raw : parse(raw, { maxAliasCount: 0 });
}
