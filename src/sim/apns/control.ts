import http from 'node:http';
import { z } from 'zod';
import type { ReceivedPush } from './connection.js';
import { type ScriptInput, type Scripts, scriptSchema } from './scripts.js';
import type { RegisteredToken, World } from './world.js';

const hex = z.string().regex(/^([0-9a-fA-F]{2}){1,256}$/, 'hexadecimal');
const environment = z.enum(['production', 'sandbox']);
const keySchema = z.strictObject({
  teamId: z.string(),
  keyId: z.string(),
  publicKey: z.string(),
  bundleIds: z.array(z.string()).optional(),
  environments: z.array(environment).optional(),
});
const topicSchema = z.strictObject({ teamId: z.string(), topic: z.string() });
const tokenSchema = z.strictObject({
  token: hex,
  topics: z.array(z.string()).optional(),
  environment: environment.optional(),
  unregisteredAt: z.number().optional(),
});
const unregisterSchema = z.strictObject({ token: hex, at: z.number().optional() });
const scriptsSchema = z.union([scriptSchema, z.array(scriptSchema).max(10_000)]);
const connectionsSchema = z.strictObject({
  goaway: z.string().optional(),
  code: z.number().int().min(0).optional(),
  close: z.boolean().optional(),
  maxStreams: z.number().int().min(0).optional(),
  frozen: z.enum(['none', 'existing', 'all']).optional(),
});

const clockSchema = z.strictObject({ offsetMs: z.number().min(-1e12).max(1e12) });

const BODY_LIMIT = 1_000_000;

/** What the control API drives. */
export interface Controlled {
  readonly world: World;
  readonly scripts: Scripts;
  readonly received: readonly ReceivedPush[];
  readonly total: number;
  status(): unknown;
  registerKey(key: Defined<z.output<typeof keySchema>>): void;
  registerToken(token: RegisteredToken): void;
  unregisterToken(token: string, at?: number): void;
  script(script: ScriptInput): void;
  goaway(reason: string, code: number): void;
  closeConnections(): void;
  setMaxStreams(maxStreams: number): void;
  setClockOffset(ms: number): void;
  setFrozen(frozen: 'none' | 'existing' | 'all'): void;
  reset(): void;
}

type Route = (simulator: Controlled, body: unknown, query: URLSearchParams) => unknown;

const routes: Readonly<Record<string, Route>> = {
  'GET /status': (simulator) => simulator.status(),
  'GET /pushes': (simulator, _body, query) => {
    const token = query.get('token')?.toLowerCase();
    const fitting = simulator.received.filter((push) => token === undefined || push.token === token);
    const limit = Math.max(1, Number(query.get('limit') ?? 100) || 100);
    return { total: simulator.total, pushes: fitting.slice(-limit) };
  },
  'POST /keys': (simulator, body) => simulator.registerKey(defined(keySchema.parse(body))),
  'POST /topics': (simulator, body) => {
    const { teamId, topic } = topicSchema.parse(body);
    simulator.world.addTopic(teamId, topic);
  },
  'POST /tokens': (simulator, body) => simulator.registerToken(defined(tokenSchema.parse(body))),
  'POST /tokens/unregister': (simulator, body) => {
    const { token, at } = unregisterSchema.parse(body);
    simulator.unregisterToken(token, at);
  },
  'GET /scripts': (simulator) => simulator.scripts.list,
  'POST /scripts': (simulator, body) => {
    for (const script of [scriptsSchema.parse(body)].flat()) simulator.script(script);
  },
  'DELETE /scripts': (simulator) => simulator.scripts.clear(),
  'POST /connections': (simulator, body) => {
    const order = connectionsSchema.parse(body);
    if (order.maxStreams !== undefined) simulator.setMaxStreams(order.maxStreams);
    if (order.goaway !== undefined) simulator.goaway(order.goaway, order.code ?? 0);
    if (order.close) simulator.closeConnections();
    if (order.frozen !== undefined) simulator.setFrozen(order.frozen);
  },
  'POST /clock': (simulator, body) => simulator.setClockOffset(clockSchema.parse(body).offsetMs),
  'POST /reset': (simulator) => simulator.reset(),
};

/** The simulator's methods over HTTP, JSON in and out. Bound to loopback by whoever listens; it asks for no password. */
export function controlServer(simulator: Controlled): http.Server {
  return http.createServer((request, response) => {
    answer(simulator, request).then(
      ({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
        response.end(`${JSON.stringify(body)}\n`);
      },
      () => response.destroy(),
    );
  });
}

async function answer(
  simulator: Controlled,
  request: http.IncomingMessage,
): Promise<{ status: number; body: unknown }> {
  const url = new URL(request.url ?? '/', 'http://control');
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) return { status: 404, body: { error: 'no such command', commands: Object.keys(routes) } };
  const text = await read(request);
  if (text === undefined) return { status: 413, body: { error: 'the body is too long' } };
  try {
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: 200, body: route(simulator, body, url.searchParams) ?? { ok: true } };
  } catch (error) {
    return { status: 400, body: { error: error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error) } };
  }
}

async function read(request: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > BODY_LIMIT) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same without members that are undefined. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
