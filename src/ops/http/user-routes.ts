import { z } from 'zod';
import type { Provisioning } from '../../devices/provisioning.js';
import type { StoredUsers, UserInfo } from '../../devices/stored-users.js';
import { tokenHash } from '../../log/mask.js';
import type { ForgottenUser } from '../forget-user.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { notFound, unprocessable } from './problem.js';
import { provisioned } from './provision-problem.js';
import { aorSchema, page, pageOf, plain } from './schemas.js';

export interface UserParts {
  readonly users: StoredUsers;
  readonly provisioning: Provisioning;
  /** Forgets all that is kept of a user. */
  readonly forgetUser: (aor: string) => Promise<ForgottenUser>;
  /** Domains that are served here, lower case. */
  readonly domains: readonly string[];
  /** The realm of digest. */
  readonly realm: string;
}

const password = 'a password of 1 to 256 characters';
const ha1 = (digits: number, what: string) =>
  z
    .string({ error: what })
    .regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), { error: `${what}: ${digits} hexadecimal digits` });

const bothOrNone = 'either password or ha1';

const credentials = z
  .strictObject({
    password: z
      .string({ error: password })
      .min(1, { error: password })
      .max(256, { error: password })
      .exactOptional()
      .describe('kept as HA1 only'),
    ha1: z
      .strictObject({
        sha256: ha1(64, 'HA1 of SHA-256').exactOptional(),
        md5: ha1(32, 'HA1 of MD5').exactOptional(),
      })
      .exactOptional()
      .describe('of `user:realm:password`, for those who don’t hand passwords over'),
  })
  .refine((value) => (value.password === undefined) !== (value.ha1 === undefined), { error: bothOrNone })
  .meta({ examples: [{ password: 'correct horse battery staple' }] });

const userView = named(
  'User',
  z.object({
    aor: z.string(),
    username: z.string().describe('what the phone says in its Authorization header'),
    realm: z.string(),
    algorithms: z.array(z.enum(['SHA-256', 'MD5'])),
  }),
);

const count = z.int();

const forgottenView = named(
  'ForgottenUser',
  z.object({
    audit: z.string().describe('stands for the user in the line `api call` of the log'),
    credentials: count.describe('users of digest'),
    devices: count,
    bindings: count,
    tokens: count,
    encryptionKeys: count,
    preferences: count,
    messages: count.describe('that waited for his phones, or could not be delivered'),
    voicemail: count,
    refusedTokens: count,
    alarms: count.describe('changes of alarms about him'),
    calls: count.describe('timelines of calls that are over, of this node'),
    deviceEvents: count.describe('of this node'),
    refusals: count.describe('of this node'),
    logLines: count.describe('that this node kept for the API'),
  }),
);

/** Users of digest that the API keeps (those of a users file are the file's), and what goes with a user. */
export function userRoutes({ users, forgetUser, domains, realm }: UserParts): RoutePlugin {
  const one = z.object({ aor: aorSchema(domains) });
  const show = (user: UserInfo) => plain({ aor: aorOfUser(user), ...user });
  const find = async (address: string): Promise<UserInfo | undefined> => {
    const username = usernameOf(address, realm);
    const secrets = await users.find(username, realm);
    if (secrets === undefined) return undefined;
    return { username, realm, algorithms: (['SHA-256', 'MD5'] as const).filter((name) => name in secrets) };
  };
  return (server) => {
    server.get(
      '/v1/users',
      {
        config: { scope: 'users:read' },
        schema: {
          operationId: 'listUsers',
          summary: 'Users that may authenticate by digest, without their secrets',
          tags: ['users'],
          security: security('users:read'),
          querystring: z.strictObject(page),
          response: { 200: pageOf(userView).describe('A page of users.'), ...problems(400, ...REFUSALS) },
        },
      },
      async ({ query }) => {
        const { users: found, next } = await users.list(query.after, query.limit);
        return { items: found.map(show), ...(next === undefined ? {} : { next }) };
      },
    );
    server.get(
      '/v1/users/:aor',
      {
        config: { scope: 'users:read' },
        schema: {
          operationId: 'getUser',
          summary: 'One user, without his secrets',
          tags: ['users'],
          security: security('users:read'),
          params: one,
          response: { 200: userView.describe('The user.'), ...problems(400, 404, ...REFUSALS) },
        },
      },
      async ({ params }) => {
        const user = await find(params.aor);
        if (user === undefined) throw notFound(`user ${params.aor}`);
        return show(user);
      },
    );
    server.put(
      '/v1/users/:aor',
      {
        config: { scope: 'users:write' },
        schema: {
          operationId: 'putUser',
          summary: 'Make a user, or change his password',
          tags: ['users'],
          security: security('users:write'),
          params: one,
          body: credentials,
          response: {
            200: userView.describe('The password was changed.'),
            201: userView.describe('The user is new.'),
            ...problems(400, 413, 415, 422, ...REFUSALS),
          },
        },
      },
      async ({ params, body }, reply) => {
        const domain = params.aor.slice(params.aor.lastIndexOf('@') + 1);
        if (!domains.includes(domain)) {
          throw unprocessable({
            in: 'path',
            path: 'aor',
            value: params.aor,
            allowed: `an address of ${domains.join(', ')}`,
          });
        }
        const username = usernameOf(params.aor, realm);
        const before = await find(params.aor);
        await provisioned(async () => {
          if (body.password !== undefined) return users.setPassword(username, realm, body.password);
          const { sha256, md5 } = body.ha1 ?? {};
          return users.setSecrets(username, realm, { ...(sha256 && { 'SHA-256': sha256 }), ...(md5 && { MD5: md5 }) });
        });
        const user = await find(params.aor);
        if (user === undefined) throw notFound(`user ${params.aor}`);
        return reply.code(before === undefined ? 201 : 200).send(show(user));
      },
    );
    server.delete(
      '/v1/users/:aor',
      {
        config: { scope: 'users:write' },
        schema: {
          operationId: 'deleteUser',
          summary: 'Forget a user: everything that is kept of him',
          tags: ['users'],
          security: security('users:write'),
          params: one,
          response: {
            200: forgottenView.describe('What is forgotten, how many of each.'),
            ...problems(400, 404, ...REFUSALS),
          },
        },
      },
      async ({ params }) => {
        const forgotten = await provisioned(() => forgetUser(params.aor));
        if (Object.values(forgotten).every((count) => count === 0)) throw notFound(`user ${params.aor}`);
        return { audit: userHash(params.aor), ...forgotten };
      },
    );
  };
}

/** What stands for a forgotten user in the audit: the same as long as this process lives, and no way back to his name. */
export function userHash(aor: string): string {
  return tokenHash(aor).replace('token:', 'user:');
}

/** The user name under which an address may be registered: its user part in its own realm, else all of it. */
function usernameOf(address: string, realm: string): string {
  const name = address.slice(address.indexOf(':') + 1);
  const at = name.lastIndexOf('@');
  return name.slice(at + 1) === realm.toLowerCase() ? name.slice(0, at) : name;
}

function aorOfUser({ username, realm }: UserInfo): string {
  return username.includes('@') ? `sip:${username}` : `sip:${username}@${realm.toLowerCase()}`;
}
