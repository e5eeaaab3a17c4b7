import type { Logger } from '../../log/logger.js';
import type { ApiServer } from './api.js';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Logs each call that changes something, or tried to: who, from where, what, and what came of it. Bodies are not logged. */
export function addAudit(server: ApiServer, log: Logger): void {
  server.addHook('onResponse', async (request, reply) => {
    if (READS.has(request.method) || request.is404 || reply.statusCode === 429) return;
    log.info('api call', {
      by: request.caller ?? 'a stranger',
      address: request.ip,
      call: `${request.method} ${(request.url.split('?')[0] ?? '').slice(0, 500)}`,
      status: reply.statusCode,
      tookMs: Math.round(reply.elapsedTime),
    });
  });
}
