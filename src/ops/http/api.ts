import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FastifyReply, fastify } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Clock, Timer } from '../../clock/clock.js';
import type { ApiConfig } from '../../config/schema.js';
import type { Logger } from '../../log/logger.js';
import { Access } from './access.js';
import { addAudit } from './audit.js';
import { answerError, answerNotFound, RouteTable, sendProblem } from './errors.js';
import { makeServer, onClientError, reloadCertificate } from './listener.js';
import { describeApi } from './openapi.js';
import { Problem } from './problem.js';
import { validatorCompiler } from './validation.js';

/** How long until an address that is in use is tried again, in milliseconds. */
const LISTEN_RETRY = 2_000;
/** How long requests under way may take when the API closes. */
const CLOSE_PATIENCE = 3_000;

export interface ApiOptions {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Each adds the routes of one subject. */
  readonly routes: readonly RoutePlugin[];
}

/** Fastify with types from zod schemas. */
export type ApiServer = ReturnType<typeof bareServer>;
export type RoutePlugin = (server: ApiServer) => void;

/** The running HTTP API. */
export interface Api {
  /** Takes what may change while it runs: key and certificate, the tokens' key. @throws Error when they can't be used */
  reload(config: ApiConfig): void;
  /** Takes no more requests, lets those under way end for some seconds. */
  close(): Promise<void>;
}

/**
 * Makes the API and begins to listen. An address that is in use is told in the log and tried again: calls go on without the API.
 * @throws Error when keys or certificates can't be used
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { config, clock, log } = options;
  const access = new Access(config, clock);
  const server = await makeApi(options, access);
  let timer: Timer | undefined;
  let closed = false;
  const listen = (): void => {
    server.server.listen({ host: config.host, port: config.port, backlog: 128 });
  };
  server.server.on('error', (error: NodeJS.ErrnoException) => {
    if (server.server.listening || closed) return;
    log.error('api not listening', { address: `${config.host}:${config.port}`, why: error.code ?? error.message });
    timer = clock.setTimeout(listen, LISTEN_RETRY);
  });
  server.server.on('listening', () => log.info('api listening', { url: urlOf(server.server.address(), config) }));
  listen();
  return {
    reload(changed) {
      access.reload(changed);
      reloadCertificate(server.server, changed);
    },
    async close() {
      closed = true;
      timer?.cancel();
      const patience = clock.setTimeout(() => server.server.closeAllConnections(), CLOSE_PATIENCE);
      await new Promise<void>((resolve) => {
        server.server.close(() => resolve());
        server.server.closeIdleConnections();
      });
      await server.close();
      patience.cancel();
    },
  };
}

/** For every answer; the dashboard's have a policy of their own. */
const SECURE = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** A browser that was here by HTTPS comes back by nothing else, for a year (RFC 6797). */
const HTTPS_ONLY = { 'strict-transport-security': 'max-age=31536000' };

async function makeApi({ config, log, routes }: ApiOptions, access: Access): Promise<ApiServer> {
  const server = bareServer(config);
  const table = new RouteTable();
  // Fastify reads text/plain too, and would hand a string to routes that want JSON.
  server.removeContentTypeParser('text/plain');
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, log));
  server.setNotFoundHandler((request, reply) => answerNotFound(request, reply, table));
  server.addHook('onRoute', (route) => table.add(route));
  const secure = { ...SECURE, ...(config.tls.keyFile !== undefined && HTTPS_ONLY) };
  server.decorateRequest('caller', null);
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(secure);
    access.check(request, reply);
  });
  addAudit(server, log);
  await describeApi(server);
  server.after(() => {
    for (const add of routes) add(server);
  });
  await server.ready();
  return server;
}

/** In place of Fastify's own compilers of JSON schema, which it would load otherwise: all schemas here are zod's. */
function neverAsked(): never {
  throw new Error('a schema that is not of zod');
}

function bareServer(config: ApiConfig) {
  return fastify({
    serverFactory: (handler): Server => makeServer(config, handler),
    clientErrorHandler: onClientError,
    frameworkErrors: (error, _request, reply) => {
      const tooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH';
      const detail = tooLong ? 'A part of the path is too long.' : 'The path is not well formed.';
      sendProblem(reply as unknown as FastifyReply, new Problem(tooLong ? 414 : 400, detail));
    },
    schemaController: { compilersFactory: { buildValidator: neverAsked, buildSerializer: neverAsked } },
    bodyLimit: config.bodyLimit,
    routerOptions: { maxParamLength: 512 },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>();
}

function urlOf(address: AddressInfo | string | null, { tls }: ApiConfig): string {
  if (address === null || typeof address === 'string') return '';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${tls.keyFile === undefined ? 'http' : 'https'}://${host}:${address.port}`;
}
