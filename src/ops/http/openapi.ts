import swagger from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiServer } from './api.js';
import { PROBLEM_TYPE } from './problem.js';
import { SCOPES, type Scope } from './scopes.js';

/** Gives a schema a name: it is in the document once. */
export function named<T extends z.ZodType>(id: string, schema: T): T {
  return schema.meta({ ...schema.meta(), id });
}

const fieldError = z.object({
  in: z.enum(['body', 'query', 'path', 'header']),
  path: z.string().describe('such as `tokens[0].token`; empty for the part as a whole'),
  value: z.string().optional().describe('what was given, in short; secrets hidden'),
  allowed: z.string().describe('what is allowed, in words'),
});

const problem = named(
  'Problem',
  z
    .looseObject({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      detail: z.string(),
      errors: z.array(fieldError).optional(),
    })
    .describe('RFC 9457'),
);

const MEANING: Readonly<Record<number, string>> = {
  400: 'The request can’t be used; `errors` says what is wrong and what is allowed.',
  401: 'No token, or not a good one.',
  403: 'The token does not have the scope.',
  404: 'There is no such thing.',
  409: 'It is not in a state for this.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  422: 'Well formed, but it can’t be done.',
  429: 'Too many requests; `Retry-After` says when.',
  503: 'Not now; `Retry-After` says when.',
};

type Problems = {
  readonly [status: number]: { description: string; content: { [type: string]: { schema: typeof problem } } };
};

/** The `response` entries of problems. */
export function problems(...statuses: readonly number[]): Problems {
  return Object.fromEntries(
    statuses.map((status) => {
      const description = MEANING[status] ?? 'Refused.';
      return [status, { description, content: { [PROBLEM_TYPE]: { schema: problem } } }];
    }),
  );
}

/** What every route with a scope may answer. */
export const REFUSALS = [401, 403, 429] as const;

/** `schema.security` of a route. */
export function security(scope: Scope | 'none'): { readonly [name: string]: readonly string[] }[] {
  return scope === 'none' ? [] : [{ bearer: [scope] }];
}

const DESCRIPTION =
  'HTTP API of callwake. Every error is a problem (RFC 9457). Scopes of tokens:\n\n' +
  Object.entries(SCOPES)
    .map(([name, what]) => `- \`${name}\`: ${what}`)
    .join('\n');

/** Collects the routes for /openapi.json (OpenAPI 3.1). To be called before routes are added. */
export async function describeApi(server: ApiServer): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'callwake',
        version: '1.0.0',
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: TAGS.map(([name, description]) => ({ name, description })),
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transform: (document) => withExamples(toJsonSchema(document), document.schema?.body),
    transformObject: (document) => withoutUnused(createJsonSchemaTransformObject({})(document)),
  });
  server.after(() => {
    server.get(
      '/openapi.json',
      {
        config: { scope: 'none' },
        schema: {
          operationId: 'getOpenApi',
          summary: 'This document',
          tags: ['status'],
          security: [],
          response: { 200: z.looseObject({ openapi: z.string() }).describe('OpenAPI 3.1') },
        },
      },
      () => server.swagger() as { openapi: string },
    );
  });
}

const toJsonSchema = createJsonSchemaTransform({});

/** Puts the examples of a body back, which zod leaves out of schemas that transform what they read. */
function withExamples<T extends { schema: FastifySchema }>(result: T, body: unknown): T {
  const examples = body instanceof z.ZodType ? body.meta()?.examples : undefined;
  if (examples !== undefined && result.schema.body) Object.assign(result.schema.body, { examples });
  return result;
}

/** The library lists each named schema twice, as it comes in and as it goes out. */
function withoutUnused<T extends object>(document: T): T {
  const { components } = document as { components?: { schemas?: Record<string, unknown> } };
  const schemas = components?.schemas ?? {};
  for (let count = -1; count !== Object.keys(schemas).length; ) {
    count = Object.keys(schemas).length;
    const text = JSON.stringify(document);
    for (const name of Object.keys(schemas)) {
      if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
    }
  }
  return document;
}

const TAGS = [
  ['status', 'Health, trunks, alarms, metrics'],
  ['calls', 'Calls under way and their timelines'],
  ['devices', 'Phones'],
  ['users', 'Digest users and preferences'],
  ['notifications', 'Messages, invitations, voicemail, missed calls'],
  ['operations', 'Drain, log level'],
] as const;
