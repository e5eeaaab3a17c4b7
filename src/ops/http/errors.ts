import type { FastifyError, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Logger } from '../../log/logger.js';
import { PROBLEM_TYPE, Problem } from './problem.js';

/** The routes that there are, to tell a wrong method (405) from a wrong path (404). */
export class RouteTable {
  readonly #methods = new Map<string, Set<string>>();

  /** @throws Error for a route that doesn't say who may use it: a defect. */
  add({ url, method, config }: RouteOptions): void {
    if (config?.scope === undefined) throw new Error(`the route ${url} names no scope`);
    const methods = this.#methods.get(url) ?? new Set();
    for (const name of typeof method === 'string' ? [method] : method) methods.add(name);
    this.#methods.set(url, methods);
  }

  /** The methods of a path, none when there is no such path. */
  methodsOf(path: string): readonly string[] {
    const steps = path.split('/');
    for (const [pattern, methods] of this.#methods) {
      const parts = pattern.split('/');
      const open = parts.at(-1) === '*';
      const fits =
        (open ? steps.length >= parts.length : steps.length === parts.length) &&
        parts.every((part, index) => part === '*' || matches(part, steps[index] ?? ''));
      if (fits) return [...methods].sort();
    }
    return [];
  }
}

const matches = (part: string, step: string): boolean => (part.startsWith(':') ? step !== '' : part === step);

/** Answers a request that no route takes. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply, table: RouteTable): void {
  const methods = table.methodsOf(request.url.split('?')[0] ?? '');
  const allow = methods.join(', ');
  const problem =
    methods.length === 0
      ? new Problem(404, 'There is nothing at this path; /openapi.json lists what there is.')
      : new Problem(405, `${request.method} is not for this path; use ${allow}.`, { headers: { allow } });
  sendProblem(reply, problem);
}

/** Answers a request that failed. What is no problem of the request's own is ours: it is logged, and the stranger hears nothing of it. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const problem = error instanceof Problem ? error : translated(error);
  if (problem === undefined) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('fault', { route: `${request.method} ${request.routeOptions.url ?? ''}`, error: text });
  }
  sendProblem(reply, problem ?? new Problem(500, 'callwake could not do this; its log tells why.'));
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, problem: Problem): void {
  reply.code(problem.status).headers(problem.headers).type(PROBLEM_TYPE).send(problem.body());
}

/** Fastify's own errors. */
function translated(error: unknown): Problem | undefined {
  if (!isFastifyError(error)) return undefined;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem(413, 'The body is too large (api.bodyLimit).', { headers: { connection: 'close' } });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new Problem(415, 'Send the body as application/json.', { headers: { accept: 'application/json' } });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return bodyProblem('The body is empty.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return bodyProblem('The body is no JSON.');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return bodyProblem('The body is not as long as Content-Length says.');
    default:
  }
  const { statusCode = 500 } = error;
  return statusCode >= 400 && statusCode < 500 ? new Problem(statusCode, 'The request can’t be used.') : undefined;
}

function bodyProblem(detail: string): Problem {
  return new Problem(400, detail, { errors: [{ in: 'body', path: '', allowed: 'a JSON object' }] });
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error;
}
