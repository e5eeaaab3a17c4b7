import test from 'ava';
import { SCOPES } from '../../../src/ops/http/scopes.js';
import { ApiStage } from '../api-stage.js';
import { type OpenApi, operationsOf, readDocument, Schemas } from './openapi-document.js';

let api: ApiStage;
let openApi: OpenApi;

test.before(async () => {
  api = await ApiStage.start(undefined);
  openApi = readDocument((await api.ask('/openapi.json', { token: null })).json);
});
test.after.always(() => api?.stage.close());

test('/openapi.json is OpenAPI 3.1, and what it refers to is there', (t) => {
  t.is(openApi.openapi, '3.1.0');
  const tags = openApi.tags.map(({ name }) => name);
  const ids: string[] = [];
  for (const [path, method, operation] of operationsOf(openApi)) {
    const where = `${method} ${path}`;
    ids.push(operation.operationId);
    t.true(tags.includes(operation.tags[0] ?? ''), where);
    for (const [scheme, scopes] of operation.security.flatMap((needed) => Object.entries(needed))) {
      t.true(scheme in openApi.components.securitySchemes, where);
      t.true(scopes.length === 1 && scopes.every((scope) => scope in SCOPES), where);
    }
    const parameters = operation.parameters ?? [];
    const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    t.deepEqual(inPath.sort(), [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort(), where);
    t.true(
      parameters.every((parameter) => parameter.in !== 'path' || parameter.required === true),
      where,
    );
    t.truthy(
      Object.keys(operation.responses).find((status) => /^2/.test(status)),
      where,
    );
    if (operation.security.length > 0)
      for (const status of ['401', '403', '429']) t.true(status in operation.responses);
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (/^[45]/.test(status))
        t.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], `${where} ${status}`);
    }
  }
  t.is(new Set(ids).size, ids.length, 'operationIds');
});

test('every schema is one, and every example fits its schema; each body has an example', (t) => {
  const schemas = new Schemas(openApi);
  let examples = 0;
  const check = (
    where: string,
    part: {
      schema: Record<string, unknown>;
      example?: unknown;
      examples?: Record<string, { value?: unknown }> | undefined;
    },
  ): number => {
    const validate = schemas.compile(part.schema);
    const given = [
      ...('example' in part ? [part.example] : []),
      ...Object.values(part.examples ?? {}).map(({ value }) => value),
    ];
    for (const example of given) t.true(validate(example), `${where}: ${JSON.stringify(validate.errors)}`);
    examples += given.length;
    return given.length;
  };
  for (const [path, method, { parameters = [], requestBody, responses }] of operationsOf(openApi)) {
    const where = `${method} ${path}`;
    for (const parameter of parameters) check(`${where} ${parameter.name}`, parameter);
    for (const part of Object.values(requestBody?.content ?? {}))
      t.true(check(where, part) > 0, `${where}: no example`);
    for (const [status, { content = {} }] of Object.entries(responses)) {
      for (const part of Object.values(content)) check(`${where} ${status}`, part);
    }
  }
  t.true(examples > 0);
});

test('every route is in it, and everything in it is a route that asks for its scope', async (t) => {
  for (const [path, method, operation] of operationsOf(openApi)) {
    const url = path.replace('{aor}', 'sip:2001@corp.example').replaceAll(/\{\w+\}/g, 'x');
    const answer = await api.ask(url, { method: method.toUpperCase(), token: null });
    const open = operation.security.length === 0;
    t.is(answer.status, open ? 200 : 401, `${method} ${path}`);
    const other = await api.ask(url, { method: 'PATCH', token: null });
    const allowed =
      other.headers
        .get('allow')
        ?.toLowerCase()
        .split(', ')
        .filter((name) => name !== 'head') ?? [];
    t.deepEqual(allowed, Object.keys(openApi.paths[path] ?? {}).sort(), `methods of ${path}`);
  }
});
