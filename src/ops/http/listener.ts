import { readFileSync } from 'node:fs';
import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { ApiConfig } from '../../config/schema.js';
import { SAFE_CIPHERS } from '../../grammar/ciphers.js';
import { PROBLEM_TYPE, Problem } from './problem.js';

/** Bounds for strangers: bytes of headers, connections, requests a connection; times in milliseconds. */
const LIMITS = {
  maxHeaderSize: 16_384,
  maxConnections: 1000,
  maxRequestsPerSocket: 1000,
  /** Of TLS. A server that is to close waits for those that are in the middle of it. */
  handshakeTimeout: 5_000,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 15_000,
  /** A connection on which nothing moves, such as one whose client doesn't read. */
  idleTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
} as const;

/** An HTTP or HTTPS server within the bounds. @throws Error when key or certificate can't be used */
export function makeServer(config: ApiConfig, handler: RequestListener): Server {
  const { maxHeaderSize, headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval } = LIMITS;
  const options = {
    maxHeaderSize,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval,
    requireHostHeader: false,
  };
  const context = secureContext(config);
  const server =
    context === undefined
      ? http.createServer(options, handler)
      : https.createServer({ ...options, ...context, handshakeTimeout: LIMITS.handshakeTimeout }, handler);
  server.maxConnections = LIMITS.maxConnections;
  server.maxRequestsPerSocket = LIMITS.maxRequestsPerSocket;
  server.setTimeout(LIMITS.idleTimeout);
  server.on('checkExpectation', (request, response) => {
    const problem = new Problem(417, 'The only expectation that is met is 100-continue.');
    response.writeHead(problem.status, { 'content-type': PROBLEM_TYPE, connection: 'close' }).end(problem.body());
    request.resume();
  });
  return server;
}

/** Takes another key and certificate for new connections. @throws Error when they can't be used; nothing changes then */
export function reloadCertificate(server: Server, config: ApiConfig): void {
  const context = secureContext(config);
  if (server instanceof https.Server && context !== undefined) server.setSecureContext(context);
}

function secureContext({ tls }: ApiConfig) {
  const { keyFile, certFile, minVersion } = tls;
  if (keyFile === undefined || certFile === undefined) return undefined;
  const version = minVersion === '1.3' ? ('TLSv1.3' as const) : ('TLSv1.2' as const);
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), minVersion: version, ciphers: SAFE_CIPHERS };
}

/** Answers what is no HTTP request, comes too slowly or has too many headers, and closes the connection; one without TLS, or lost, it closes. */
export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || !OF_HTTP.test(error.code ?? '')) {
    socket.destroy();
    return;
  }
  const problem = clientProblem(error.code);
  const body = problem.body();
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.status === 431 ? 'Request Header Fields Too Large' : problem.status === 408 ? 'Request Timeout' : 'Bad Request'}\r\n` +
      `Content-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Codes of what is wrong with a request, not with its connection. */
const OF_HTTP = /^(HPE|ERR_HTTP)_/;

function clientProblem(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem(408, 'The request did not come in time.');
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem(431, `The headers have more than ${LIMITS.maxHeaderSize} bytes.`);
  }
  return new Problem(400, 'This is no HTTP/1.1 request.');
}
