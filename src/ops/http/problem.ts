import { STATUS_CODES } from 'node:http';

/** One part of a request that can't be used. */
export interface FieldError {
  /** Which part of the request. */
  readonly in: 'body' | 'query' | 'path' | 'header';
  /** Such as `tokens[0].token`; empty for the part as a whole. */
  readonly path: string;
  /** What was given, in short; secrets hidden. Absent when nothing was. */
  readonly value?: string;
  /** What is allowed there, in words. */
  readonly allowed: string;
}

/** What a problem tells beside its status; `headers` go into the response, the rest into the body. */
export interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members (RFC 9457 section 3.2). */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The answer to a request that can't be done (RFC 9457). Thrown by handlers; `detail` is read by people and holds no secret. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly headers: Readonly<Record<string, string>>;
  /** Fastify's name for {@link status}. */
  readonly statusCode: number;

  constructor(
    readonly status: number,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail);
    this.headers = options.headers ?? {};
    this.statusCode = status;
  }

  /** The body: type `about:blank`, as the status says what kind of problem it is (RFC 9457 section 4.2.1). */
  body(): string {
    const { status, detail } = this;
    const { errors, more } = this.options;
    const title = STATUS_CODES[status] ?? 'Error';
    return JSON.stringify({ type: 'about:blank', title, status, detail, ...(errors && { errors }), ...more });
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

/** 404 for something that is not there, named in words. */
export function notFound(what: string): Problem {
  return new Problem(404, `There is no ${what}.`);
}

/** 422 for a value that is well formed and can't be used. */
export function unprocessable(error: FieldError): Problem {
  const { path, allowed } = error;
  return new Problem(422, `${path === '' ? error.in : path}: ${allowed}.`, { errors: [error] });
}
