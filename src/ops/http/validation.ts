import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { unknownKey } from '../../config/environment.js';
import { formatPath, showValue } from '../../config/errors.js';
import { type FieldError, Problem } from './problem.js';

const PARTS: Readonly<Record<string, FieldError['in']>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/** How many errors one answer names. */
const MAX_ERRORS = 20;

const SECRET = /token|key|ha1|password|text/i;

/** Checks a part of a request against its zod schema; what doesn't fit becomes a {@link Problem} with path, value and what is allowed. */
export const validatorCompiler: FastifySchemaCompiler<z.core.$ZodType> = ({ schema, httpPart }) => {
  const part = PARTS[httpPart ?? ''] ?? 'body';
  return (data: unknown) => {
    const result = z.safeParse(schema, data);
    if (result.success) return { value: result.data };
    const errors = result.error.issues.flatMap((issue) => explain(issue, data, part, schema)).slice(0, MAX_ERRORS);
    const first = errors[0];
    const detail = first === undefined ? `The ${part} can't be used.` : `${first.path || first.in}: ${sentence(first)}`;
    return { error: new Problem(400, detail, { errors }) };
  };
};

function sentence({ value, allowed }: FieldError): string {
  return value === undefined ? `missing; give ${allowed}.` : `${value} is not allowed; give ${allowed}.`;
}

function explain(
  issue: z.core.$ZodIssue,
  data: unknown,
  part: FieldError['in'],
  schema: z.core.$ZodType,
): readonly FieldError[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.slice(0, MAX_ERRORS).map((key) => ({
      in: part,
      path: formatPath([...path, short(key)]),
      value: shown([...path, key], at(data, [...path, key])),
      allowed: `nothing: ${unknownKey(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_union') {
    const options = issue.errors.map((option) => option[0]?.message).filter((message) => message !== undefined);
    const allowed = options.length > 0 ? [...new Set(options)].join(', or ') : issue.message;
    return [{ in: part, path: formatPath(path), ...valueAt(data, path), allowed }];
  }
  return [{ in: part, path: formatPath(path), ...valueAt(data, path), allowed: issue.message }];
}

function valueAt(data: unknown, path: readonly (string | number)[]): { value?: string } {
  const value = at(data, path);
  return value === undefined ? {} : { value: shown(path, value) };
}

/** Secrets and what people write to each other are not repeated: answers end up in logs. */
function shown(path: readonly (string | number)[], value: unknown): string {
  const name = path.findLast((step) => typeof step === 'string') ?? '';
  const secret = SECRET.test(String(name)) || path.includes('ha1');
  return secret && typeof value !== 'object' ? '(hidden)' : showValue(path, value);
}

function short(key: string): string {
  return key.length > 60 ? `${key.slice(0, 57)}...` : key;
}

function at(data: unknown, path: readonly (string | number)[]): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: readonly (string | number)[]): readonly string[] {
  let node: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  for (const step of path) {
    if (!isJson(node)) return [];
    node = typeof step === 'number' ? node.items : isJson(node.properties) ? node.properties[step] : undefined;
  }
  return isJson(node) && isJson(node.properties) ? Object.keys(node.properties) : [];
}

function isJson(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
