import { type Document, isMap, isNode, isScalar, type LineCounter } from 'yaml';
import type { z } from 'zod';
import { type Override, unknownKey } from './environment.js';
import { type ConfigPath, type ConfigProblem, formatPath, isSecret, showValue } from './errors.js';
import { shapeAt } from './shape.js';

/** What is wrong, and with what; not yet where in the file. */
export interface Found {
  readonly path: ConfigPath;
  /** The place to show: a key that isn't known, or else what `path` names. */
  readonly key?: string;
  readonly message: string;
}

/** Puts what the schema found into words; `input` is what it was given. */
export function explain(issue: z.core.$ZodIssue, input: unknown): readonly Found[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = shapeAt(path)?.keys ?? [];
    return issue.keys.map((key) => ({ path, key, message: unknownKey(key, known) }));
  }
  const value = getAt(input, path);
  const shape = shapeAt(path);
  const structural = issue.code === 'invalid_type' && issue.expected === 'object';
  const allowed = structural ? `a mapping with ${shape?.keys.join(', ') ?? 'keys'}` : issue.message;
  if (value === undefined) return [{ path, message: `is missing; give ${allowed}` }];
  // Where a mapping with a secret belongs, a text may be that secret.
  const shown =
    structural && typeof value === 'string' && shape?.keys.some(isSecret) ? 'a text' : showValue(path, value);
  return [{ path, message: `${shown} is not allowed; give ${allowed}` }];
}

/** Adds where it stands: line and column, or the environment variable that set it. */
export function place(
  found: Found,
  document: Document.Parsed,
  lines: LineCounter,
  overrides: readonly Override[],
): ConfigProblem {
  const whole = found.key === undefined ? found.path : [...found.path, found.key];
  const base = { path: formatPath(found.path), message: found.message };
  const override = overrides.findLast(({ path }) => path.every((step, index) => whole[index] === step));
  if (override !== undefined) return { ...base, variable: override.variable };
  const offset = offsetOf(document, found);
  return offset === undefined ? base : { ...base, ...position(lines, offset) };
}

/** Where in the text a problem is: its key, its value, or else the nearest mapping around it. */
function offsetOf(document: Document.Parsed, { path, key }: Found): number | undefined {
  const steps = key === undefined ? [...path] : [...path, key];
  while (steps.length > 0) {
    const last = steps.pop();
    const parent = document.getIn(steps, true);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
      if (pair && isNode(pair.key)) return pair.key.range?.[0];
    }
    const node = document.getIn(last === undefined ? steps : [...steps, last], true);
    if (isNode(node)) return node.range?.[0];
  }
  return undefined;
}

/** Line and column of an offset, both from 1. */
export function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function getAt(value: unknown, path: ConfigPath): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}
