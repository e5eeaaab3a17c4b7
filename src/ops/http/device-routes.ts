import { z } from 'zod';
import type { DeviceView, Provisioning } from '../../devices/provisioning.js';
import type { DeviceLookup } from '../../devices/search/open.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { notFound, unprocessable } from './problem.js';
import { provisioned } from './provision-problem.js';
import { aorSchema, page, pageOf, plain, shortText, time } from './schemas.js';

const EXAMPLE_ID = '0f6e3d62-58c1-4c5e-9f0a-3a4b1c2d3e4f';

const kind = z.enum(['voip', 'alert'], { error: 'voip or alert' });
const platform = z.enum(['iphone', 'ipad', 'other'], { error: 'iphone, ipad or other' });
const environment = z.enum(['production', 'sandbox'], { error: 'production or sandbox' });

const token = z.strictObject({
  kind,
  token: z
    .string({ error: 'the device token, hexadecimal' })
    .regex(/^[0-9a-fA-F]{8,512}$/, { error: 'the device token: 8 to 512 hexadecimal digits' }),
  teamId: z.string({ error: "Apple's team id" }).regex(/^[A-Za-z0-9]{1,32}$/, { error: "Apple's team id" }),
  bundleId: z
    .string({ error: 'the bundle id, without .voip' })
    .max(155, { error: 'the bundle id, without .voip' })
    .regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, { error: 'the bundle id, without .voip' }),
  environment: environment.exactOptional().describe("learnt from Apple's answers if absent"),
});

const provision = z
  .strictObject({
    platform,
    deviceName: shortText(128, "Cisco's device name").exactOptional(),
    tokens: z
      .array(token, { error: 'a list of tokens' })
      .max(2, { error: 'one token a kind' })
      .default([])
      .describe('they take the place of those of the same kind'),
    encryptionKey: z
      .union([
        z.string().regex(/^[A-Za-z0-9_-]{43}=?$/, { error: '32 bytes in base64url' }),
        z.null({ error: 'null to take it away' }),
      ])
      .exactOptional()
      .describe('AES-256 key for payloads, base64url; null takes it away'),
    encryptionKeyId: shortText(64, "the app's name for the key").exactOptional(),
  })
  .meta({
    examples: [
      {
        platform: 'iphone',
        deviceName: 'TCTALICE',
        tokens: [
          { kind: 'voip', token: '5e'.repeat(32), teamId: 'ABCDE12345', bundleId: 'com.example.phone' },
          { kind: 'alert', token: 'a1'.repeat(32), teamId: 'ABCDE12345', bundleId: 'com.example.phone' },
        ],
      },
    ],
  });

const state = z.enum(['active', 'suspended', 'unregistered', 'unreachable'], {
  error: 'active, suspended, unregistered or unreachable',
});

/** A device as the API shows it. */
export const deviceView = named(
  'Device',
  z.object({
    id: z.string().describe('`+sip.instance` without `urn:uuid:`, or the name it was given'),
    aor: z.string(),
    instance: z.string().optional(),
    platform,
    userAgent: z.string().optional(),
    deviceName: z.string().optional(),
    state: z.object({
      state,
      reason: z.string().describe('why, in words'),
    }),
    bindings: z.array(
      z.object({
        uri: z.string(),
        path: z.array(z.string()),
        mode: z.enum(['path', 'rewrite', 'direct']),
        registeredAt: time,
        expiresAt: time,
        source: z.string().describe('where the REGISTER came from'),
        q: z.number(),
      }),
    ),
    tokens: z.array(
      z.object({
        kind,
        hash: z.string().describe('stands for the token, as in the log'),
        teamId: z.string(),
        bundleId: z.string(),
        environment: environment.optional(),
        origin: z.enum(['register', 'api']).optional(),
        seenAt: time,
      }),
    ),
    encrypted: z.boolean().describe('payloads to it are encrypted'),
    encryptionKeyId: z.string().optional(),
    seenAt: time,
  }),
);

export type DeviceJson = z.infer<typeof deviceView>;

const deviceId = z.string().min(1, { error: 'a device id' }).max(128, { error: 'a device id' });

const count = z.int();

const query = z.strictObject({
  ...page,
  text: z
    .string()
    .max(200, { error: 'at most 200 characters' })
    .optional()
    .describe("part of the address, id, device name, User-Agent or of a token's hash; or a whole token"),
  state: state.optional(),
  platform: platform.optional(),
});

const list = pageOf(z.object({ aor: z.string(), devices: z.array(deviceView) })).extend({
  total: count.optional().describe('of a search: how many devices fit on all pages'),
  states: z
    .object({ active: count, suspended: count, unregistered: count, unreachable: count })
    .optional()
    .describe('of a search: how many devices would fit without `state`, by state'),
  reading: z
    .boolean()
    .optional()
    .describe('of a search: not all devices have been read yet, the answer is of those that have. Ask again'),
});

export interface DeviceParts {
  readonly provisioning: Provisioning;
  readonly lookup: Pick<DeviceLookup, 'search'>;
  /** Domains that are served here, lower case. */
  readonly domains: readonly string[];
}

/** Devices: list, show, provision, delete. */
export function deviceRoutes({ provisioning, lookup, domains }: DeviceParts): RoutePlugin {
  const ofUser = z.object({ aor: aorSchema(domains) });
  const one = ofUser.extend({ id: deviceId });
  const seek = async (user: string, id: string): Promise<DeviceView | undefined> => {
    const wanted = id.toLowerCase().replace(/^urn:uuid:/, '');
    const devices = await provisioning.devicesOf(user);
    return devices.find((known) => known.id === id || known.id === wanted || known.instance === wanted);
  };
  const find = async (user: string, id: string): Promise<DeviceView> => {
    const device = await seek(user, id);
    if (device === undefined) throw notFound(`device ${id} of ${user}`);
    return device;
  };
  return (server) => {
    server.get(
      '/v1/devices',
      {
        config: { scope: 'devices:read' },
        schema: {
          operationId: 'listDevices',
          summary: 'All devices, by user, or those that fit',
          description:
            'With `text`, `state` or `platform` devices are searched. The first search in a while begins to read them all: at once for ' +
            'thousands, half a minute for a million.',
          tags: ['devices'],
          security: security('devices:read'),
          querystring: query,
          response: {
            200: list.describe('A page of users.'),
            ...problems(400, ...REFUSALS),
          },
        },
      },
      async ({ query: { after, limit, text, state, platform } }) => {
        if (text === undefined && state === undefined && platform === undefined) {
          return plain(await provisioning.list(after, limit));
        }
        const filter = {
          ...(text !== undefined && { text }),
          ...(state !== undefined && { state }),
          ...(platform !== undefined && { platform }),
        };
        const { items, ...rest } = await lookup.search.find(filter, after, limit);
        const shown = items.map(({ aor, devices }) => ({ aor, devices: devices.map((d) => provisioning.view(d)) }));
        return plain({ items: shown, ...rest });
      },
    );
    server.get(
      '/v1/devices/:aor',
      {
        config: { scope: 'devices:read' },
        schema: {
          operationId: 'listDevicesOfUser',
          summary: 'The devices of a user',
          tags: ['devices'],
          security: security('devices:read'),
          params: ofUser,
          response: {
            200: z.object({ items: z.array(deviceView) }).describe('Empty when none is known.'),
            ...problems(400, ...REFUSALS),
          },
        },
      },
      async ({ params }) => ({ items: plain(await provisioning.devicesOf(params.aor)) }),
    );
    server.get(
      '/v1/devices/:aor/:id',
      {
        config: { scope: 'devices:read' },
        schema: {
          operationId: 'getDevice',
          summary: 'One device: state with its reason, bindings, tokens as hashes',
          tags: ['devices'],
          security: security('devices:read'),
          params: one,
          response: { 200: deviceView.describe('The device.'), ...problems(400, 404, ...REFUSALS) },
        },
      },
      async ({ params }) => plain(await find(params.aor, params.id)),
    );
    server.put(
      '/v1/devices/:aor/:id',
      {
        config: { scope: 'devices:write' },
        schema: {
          operationId: 'provisionDevice',
          summary: 'Make or change a device',
          description:
            `For phones that cannot say their push tokens in REGISTER. \`id\` is the phone's instance UUID (such as ${EXAMPLE_ID}), so that ` +
            'its REGISTERs find the device; bindings stay as they are.',
          tags: ['devices'],
          security: security('devices:write'),
          params: one,
          body: provision,
          response: {
            200: deviceView.describe('The device as it is now.'),
            ...problems(400, 413, 415, 422, ...REFUSALS),
          },
        },
      },
      async ({ params, body }) => {
        if (body.tokens.length === 0 && (await seek(params.aor, params.id)) === undefined) {
          throw unprocessable({
            in: 'body',
            path: 'tokens',
            allowed: 'at least one token, as the phone has not registered',
          });
        }
        return plain(await provisioned(() => provisioning.provision(params.aor, { id: params.id, ...body })));
      },
    );
    server.delete(
      '/v1/devices/:aor/:id',
      {
        config: { scope: 'devices:write' },
        schema: {
          operationId: 'deleteDevice',
          summary: 'Forget a device with its bindings and tokens',
          description: 'It is back when the phone registers again; deleting the user prevents that.',
          tags: ['devices'],
          security: security('devices:write'),
          params: one,
          response: { 204: z.null().describe('It is forgotten.'), ...problems(400, 404, ...REFUSALS) },
        },
      },
      async ({ params }, reply) => {
        const { id } = await find(params.aor, params.id);
        if (!(await provisioning.deleteDevice(params.aor, id))) throw notFound(`device ${id} of ${params.aor}`);
        return reply.code(204).send(null);
      },
    );
    server.delete(
      '/v1/devices/:aor/:id/tokens/:kind',
      {
        config: { scope: 'devices:write' },
        schema: {
          operationId: 'forgetToken',
          summary: 'Forget a push token of a device',
          description: 'The device is not woken with it any more, until the phone names a token again.',
          tags: ['devices'],
          security: security('devices:write'),
          params: one.extend({ kind }),
          response: { 204: z.null().describe('It is forgotten.'), ...problems(400, 404, ...REFUSALS) },
        },
      },
      async ({ params }, reply) => {
        const { id } = await find(params.aor, params.id);
        if (!(await provisioning.forgetToken(params.aor, id, params.kind))) {
          throw notFound(`${params.kind} token of device ${id}`);
        }
        return reply.code(204).send(null);
      },
    );
    server.delete(
      '/v1/devices/:aor/:id/bindings',
      {
        config: { scope: 'devices:write' },
        schema: {
          operationId: 'forgetBindings',
          summary: 'Forget where a device is registered',
          description: 'As if the phone had unregistered, but its tokens stay: the next call wakes it.',
          tags: ['devices'],
          security: security('devices:write'),
          params: one,
          response: { 204: z.null().describe('They are forgotten.'), ...problems(400, 404, ...REFUSALS) },
        },
      },
      async ({ params }, reply) => {
        const { id } = await find(params.aor, params.id);
        if (!(await provisioning.forgetBindings(params.aor, id))) throw notFound(`binding of device ${id}`);
        return reply.code(204).send(null);
      },
    );
  };
}
