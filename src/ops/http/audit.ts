import type { FastifyRequest } from 'fastify';
import type { Logger } from '../../log/logger.js';
import type { ApiServer } from './api.js';
import { userHash } from './user-routes.js';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Logs each call that changes something, or tried to: who, from where, what, and what came of it. Bodies are not logged, and not the name of a user who was to be forgotten. */
export function addAudit(server: ApiServer, log: Logger): void {
  server.addHook('onResponse', async (request, reply) => {
    if (READS.has(request.method) || request.is404 || reply.statusCode === 429) return;
    log.info('api call', {
      by: request.caller ?? 'a stranger',
      address: request.ip,
      call: `${request.method} ${pathOf(request)}`,
      status: reply.statusCode,
      tookMs: Math.round(reply.elapsedTime),
    });
  });
}

function pathOf(request: FastifyRequest): string {
  const { url } = request.routeOptions;
  if (request.method === 'DELETE' && url === '/v1/users/:aor') {
    const { aor } = request.params as { readonly aor?: unknown };
    return `/v1/users/${typeof aor === 'string' ? userHash(aor) : 'somebody'}`;
  }
  return (request.url.split('?')[0] ?? '').slice(0, 500);
}
