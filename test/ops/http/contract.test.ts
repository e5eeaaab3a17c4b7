import { Validator } from '@seriousme/openapi-schema-validator';
import test, { type ExecutionContext } from 'ava';
import { SCOPES, type Scope } from '../../../src/ops/http/scopes.js';
import { stranger } from '../../e2e/stranger.js';
import { eventually } from '../../support/eventually.js';
import { ApiStage, token } from '../api-stage.js';
import { badParameters, goodParameter, invalidVariants } from './mutations.js';
import { type OpenApi, type Operation, operationsOf, readDocument, Schemas } from './openapi-document.js';

const AOR = 'sip:2001@corp.example';
/** Made, read and deleted. */
const NEW_DEVICE = '00000000-0000-4000-8000-00000000c0de';
const BANNED = '127.8.2.66';
const BODY_LIMIT = 20_000;
/** Longer parts of a path are refused before anybody looks at what they are. */
const LONGEST_PART = 512;

let api: ApiStage;
let openApi: OpenApi;
let schemas: Schemas;
let deviceId = '';
let calls: readonly string[] = [];
const cleanUps: (() => unknown)[] = [];

/** What stands in a path. Another parameter needs a line here. */
function known(path: string, name: string): string {
  if (path === '/v1/devices/{aor}/{id}' && name === 'id') return NEW_DEVICE;
  if (path.startsWith('/v1/calls/')) return (path.endsWith('/end') ? calls[0] : calls[1]) ?? '';
  const values: Readonly<Record<string, string>> = {
    aor: AOR,
    id: deviceId,
    device: deviceId,
    kind: 'voip',
    address: BANNED,
  };
  const value = values[name];
  if (value === undefined) throw new Error(`say here what {${name}} of ${path} may be`);
  return value;
}

test.before(async () => {
  api = await ApiStage.start(
    { teardown: (fn) => cleanUps.push(fn) },
    { trunk: { hold: '60s' }, api: { bodyLimit: BODY_LIMIT }, config: { limits: { bans: { failures: 1 } } } },
  );
  openApi = readDocument((await api.ask('/openapi.json', { token: null })).json);
  schemas = new Schemas(openApi);
  const { stage } = api;
  const phone = await stage.phone({ alertToken: 'c3'.repeat(32), behaviour: { wakeDelayMs: 50 } });
  const deaf = await stage.phone({ user: '2002', behaviour: { deaf: true } });
  for (const one of [phone, deaf]) await one.background();
  const { items } = (await api.ask(`/v1/devices/${AOR}`)).json as { items: { id: string }[] };
  deviceId = items[0]?.id ?? '';
  const held = [0, 1].map(() => stage.cucm.call({ to: '2002', from: '1001' }));
  for (const call of held) call.answered.catch(() => undefined);
  calls = held.map(({ callId }) => callId);
  for (const { callId } of held) await eventually(async () => (await api.ask(`/v1/calls/${callId}`)).status === 200);
  const scanner = await stranger({ teardown: (fn) => cleanUps.push(fn) }, BANNED, stage.sip);
  await scanner.ask({ method: 'OPTIONS', uri: 'sip:100@1.1.1.1', headers: ['User-Agent: friendly-scanner'] });
});
test.after.always(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/** A request for an operation, good unless told otherwise. */
interface Asked {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is sent. */
  readonly body?: string;
  readonly type?: string;
  /** Null: none. */
  readonly token?: string | null;
}

type Entry = readonly [path: string, method: string, operation: Operation];

/** Sends it, and checks that what comes back is documented: status, type and content. Gives the status. */
async function ask(t: ExecutionContext, [path, method, operation]: Entry, asked: Asked, what: string): Promise<number> {
  const where = `${method.toUpperCase()} ${path}, ${what}`;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(asked.path?.[name] ?? known(path, name)),
  );
  const body = asked.body ?? exampleOf(operation);
  const given = asked.token === undefined ? token() : asked.token;
  const response = await fetch(`${api.url}${filled}?${new URLSearchParams(asked.query)}`, {
    method: method.toUpperCase(),
    headers: {
      ...(given === null ? {} : { authorization: `Bearer ${given}` }),
      ...(body === undefined ? {} : { 'content-type': asked.type ?? 'application/json' }),
      ...asked.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const { status, headers } = response;
  const documented = operation.responses[String(status)];
  if (documented === undefined) {
    t.fail(`${where}: ${status} is not documented: ${await response.text()}`);
    return status;
  }
  const type = headers.get('content-type')?.split(';')[0];
  t.deepEqual(type === undefined ? [] : [type], Object.keys(documented.content ?? {}), `${where}: ${status}`);
  if (type === 'text/event-stream') await response.body?.cancel();
  else await checkBody(t, `${where}: ${status}`, documented, type, await response.text());
  return status;
}

async function checkBody(
  t: ExecutionContext,
  where: string,
  { content = {} }: Operation['responses'][string],
  type: string | undefined,
  text: string,
): Promise<void> {
  if (type === undefined) return void t.is(text, '', where);
  if (!type.endsWith('json')) return void t.not(text, '', where);
  const validate = schemas.compile(content[type]?.schema ?? {});
  t.true(validate(JSON.parse(text)), `${where}: ${JSON.stringify(validate.errors)}\n${text}`);
}

function exampleOf({ requestBody }: Operation): string | undefined {
  const [example] = examplesOf(requestBody);
  return example === undefined ? undefined : JSON.stringify(example);
}

function examplesOf(requestBody: Operation['requestBody']): readonly unknown[] {
  return Object.values(requestBody?.content ?? {}).flatMap(({ example, examples = {} }) => [
    ...(example === undefined ? [] : [example]),
    ...Object.values(examples).map(({ value }) => value),
  ]);
}

test('the document is OpenAPI 3.1 by its own schema', async (t) => {
  const validator = new Validator();
  t.deepEqual(await validator.validate(JSON.parse(JSON.stringify(openApi))), { valid: true });
  t.is(validator.version, '3.1');
});

test.serial('who has no token, or one without the scope, is told so by every operation that needs one', async (t) => {
  for (const entry of operationsOf(openApi)) {
    const [, , { security }] = entry;
    const [needed] = security.flatMap((schemes) => Object.values(schemes).flat());
    if (needed === undefined) continue;
    const others = (Object.keys(SCOPES) as Scope[]).filter((scope) => scope !== needed);
    t.is(await ask(t, entry, { token: null }, 'no token'), 401);
    t.is(await ask(t, entry, { token: 'guessed' }, 'no such token'), 401);
    t.is(await ask(t, entry, { token: token(others) }, 'all scopes but its own'), 403);
  }
});

test.serial('a parameter that can not be is refused by every operation that has it', async (t) => {
  for (const entry of operationsOf(openApi)) {
    const [path, method, { parameters = [], responses }] = entry;
    for (const { name, in: place, schema } of parameters) {
      const validate = schemas.compile(schema);
      const most = place === 'path' ? LONGEST_PART : 2000;
      for (const bad of badParameters(schema, validate, most)) {
        const status = await ask(
          t,
          entry,
          { [place === 'header' ? 'headers' : place]: { [name]: bad } },
          `${name} is ${bad}`,
        );
        t.true(status === 400 || (place === 'path' && status === 404), `${method} ${path} ${name}=${bad}: ${status}`);
      }
      if (place === 'path' && schema.enum === undefined && method !== 'put') {
        const status = await ask(t, entry, { path: { [name]: 'no-such-thing' } }, `no such ${name}`);
        if ('404' in responses) t.is(status, 404, `${method} ${path}: no such ${name}`);
      }
    }
    if (parameters.some((parameter) => parameter.in === 'query')) {
      t.is(await ask(t, entry, { query: { odd: '1' } }, 'a parameter that it has not'), 400);
    }
  }
});

test.serial('a body that can not be is refused by every operation that has one', async (t) => {
  let sent = 0;
  for (const entry of operationsOf(openApi)) {
    const [path, method, { requestBody }] = entry;
    const media = requestBody?.content['application/json'];
    if (media === undefined) continue;
    const validate = schemas.compile(media.schema);
    for (const example of examplesOf(requestBody)) {
      for (const { what, value } of invalidVariants(example, validate)) {
        const status = await ask(t, entry, { body: JSON.stringify(value) }, what);
        t.true(status === 400 || status === 422, `${method} ${path}, ${what}: ${status}`);
        sent++;
      }
    }
    t.is(await ask(t, entry, { body: '{"half":' }, 'no JSON'), 400);
    t.is(await ask(t, entry, { type: 'text/plain' }, 'not as JSON'), 415);
    t.is(await ask(t, entry, { body: JSON.stringify({ long: 'x'.repeat(BODY_LIMIT) }) }, 'too large'), 413);
  }
  t.true(sent > 100, String(sent));
});

const ORDER = ['put', 'get', 'post', 'delete'];

test.serial('every operation does what it is for, and answers as documented', async (t) => {
  const inOrder = operationsOf(openApi).toSorted(
    ([path, method], [otherPath, otherMethod]) =>
      ORDER.indexOf(method) - ORDER.indexOf(otherMethod) || otherPath.length - path.length,
  );
  for (const entry of inOrder) {
    const [path, method, operation] = entry;
    const good = async (asked: Asked, what: string): Promise<void> => {
      const status = await ask(t, entry, asked, what);
      t.true(status < 300, `${method} ${path}, ${what}: ${status}`);
    };
    const examples = examplesOf(operation.requestBody);
    for (const example of examples) await good({ body: JSON.stringify(example) }, JSON.stringify(example));
    if (examples.length === 0) await good({}, 'good');
    for (const { name, in: place, schema } of operation.parameters ?? []) {
      const value = goodParameter(schema);
      t.not(value, undefined, `${method} ${path}: nobody knows a good ${name}`);
      if (place === 'query') await good({ query: { [name]: value ?? '' } }, `${name}=${value}`);
      if (place === 'header') await good({ headers: { [name]: value ?? '' } }, `${name}: ${value}`);
    }
  }
});
