import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type Asset, loadAssets } from '../dashboard/assets.js';
import type { RoutePlugin } from './api.js';
import { Problem } from './problem.js';

/** Where the dashboard is. */
const PLACE = '/dashboard';

/** The dashboard's files, for everybody: what they show they ask the API for, with the reader's token. @throws Error when they were not built */
export function dashboardRoutes(): RoutePlugin {
  const { files, policy } = loadAssets();
  const headers = {
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache',
  };
  const send = (reply: FastifyReply, { type, body, etag }: Asset, ifNoneMatch: string | undefined) => {
    reply.headers({ ...headers, etag });
    return ifNoneMatch === etag ? reply.code(304).send() : reply.type(type).send(body);
  };
  return (server) => {
    const route = { config: { scope: 'none' as const }, schema: { hide: true } };
    server.get('/', route, (_request, reply) => reply.redirect(`${PLACE}/`));
    server.get(PLACE, route, (_request, reply) => reply.redirect(`${PLACE}/`));
    server.get(
      `${PLACE}/*`,
      { config: { scope: 'none' as const }, schema: { hide: true, params: z.object({ '*': z.string() }) } },
      ({ params, headers: asked }, reply) => {
        const file = files.get(params['*']);
        if (file === undefined) throw new Problem(404, 'There is no such file.');
        return send(reply, file, asked['if-none-match']);
      },
    );
  };
}
