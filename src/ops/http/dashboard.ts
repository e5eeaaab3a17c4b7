import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../../log/logger.js';
import { type Asset, type Assets, loadAssets } from '../dashboard/assets.js';
import type { RoutePlugin } from './api.js';
import { Problem } from './problem.js';

/** Where the dashboard is. */
const PLACE = '/dashboard';

/**
 * The dashboard's files, for everybody: what they show they ask the API for, with the reader's token. Where they can't be read, because
 * they were not built, the log says so and the rest of the API goes on.
 */
export function dashboardRoutes(log: Logger, load: () => Assets = loadAssets): RoutePlugin {
  const { files, policy } = read(load, log);
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
        if (files.size === 0) throw new Problem(503, 'The dashboard was not built; the log of callwake tells why.');
        if (file === undefined) throw new Problem(404, 'There is no such file.');
        return send(reply, file, asked['if-none-match']);
      },
    );
  };
}

function read(load: () => Assets, log: Logger): Assets {
  try {
    return load();
  } catch (error) {
    log.error('dashboard not served', { why: error instanceof Error ? error.message : String(error) });
    return { files: new Map(), policy: "default-src 'none'" };
  }
}
