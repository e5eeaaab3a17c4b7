import { systemClock } from '../../clock/clock.js';
import { loadConfig } from '../../config/load.js';
import type { ApiConfig } from '../../config/schema.js';
import type { Scope } from '../../ops/http/scopes.js';
import { mintToken } from '../../ops/http/tokens.js';
import { CliError } from '../exit.js';

/** How a command finds the API. */
export interface ApiOptions {
  /** Configuration: where the API is, and the secret that signs tokens. */
  readonly config: string;
  /** Where the API is; default as the configuration says. */
  readonly url?: string;
  /** Bearer token; default one that is signed with the configured secret. */
  readonly token?: string;
}

/** A server-sent event, its data read as JSON. */
export interface ApiEvent {
  readonly name: string;
  readonly data: unknown;
}

/** What the API refused, in words. */
export class ApiRefused extends CliError {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message, 1);
  }
}

/** Nobody answers at the API's address, or the connection broke. */
export class ApiAway extends CliError {}

const TOKEN_LIFETIME = 60_000;
const PATIENCE = 10_000;

/** Asks the HTTP API of a callwake that runs. */
export class ApiClient {
  readonly #base: string;
  readonly #token: () => string | undefined;

  private constructor(base: string, token: () => string | undefined) {
    this.#base = base.replace(/\/+$/, '');
    this.#token = token;
  }

  /**
   * `scopes` are those that a token made here gets.
   * @throws {ConfigError} when the configuration is needed and can't be used
   */
  static open({ config, url, token }: ApiOptions, env: NodeJS.ProcessEnv, scopes: readonly Scope[]): ApiClient {
    const api = url === undefined || token === undefined ? loadConfig({ file: config, env }).api : undefined;
    const base = url ?? (api === undefined ? '' : urlOf(api));
    if (!/^https?:\/\//i.test(base) || !URL.canParse(base)) {
      throw new CliError(`--url ${JSON.stringify(base)} is no address such as http://127.0.0.1:8080.`, 2);
    }
    return new ApiClient(base, () => token ?? (api === undefined ? undefined : ownToken(api, scopes)));
  }

  /** @throws {CliError} as all that asks here: the API is away, or refuses */
  async get<T>(path: string): Promise<T> {
    return (await this.#json(await this.ask(path))) as T;
  }

  /** POST, PUT or DELETE, with a JSON body if one is given. */
  async send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
    return (await this.#json(await this.ask(path, { method, ...jsonBody(body) }))) as T;
  }

  /** The events of a stream as they come, until it ends or `signal` aborts. With `body` it is asked by POST. */
  async *events(
    path: string,
    { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
  ): AsyncGenerator<ApiEvent> {
    const accept = { accept: 'text/event-stream' };
    const response = await this.ask(path, {
      ...(body === undefined ? {} : { method: 'POST', ...jsonBody(body) }),
      headers: { ...accept, ...(body === undefined ? {} : JSON_HEADERS) },
      signal: signal ?? null,
    });
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = eventOf(block);
          if (event !== undefined) yield event;
        }
      }
    } catch (error) {
      if (!signal?.aborted) throw this.#away(error);
    }
  }

  /** One request; an answer that refuses is thrown in words. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const bearer = this.#token();
    const headers = new Headers(init.headers);
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
    let response: Response;
    try {
      const signal = init.signal === undefined ? AbortSignal.timeout(PATIENCE) : init.signal;
      response = await fetch(`${this.#base}${path}`, { ...init, headers, signal });
    } catch (error) {
      throw this.#away(error);
    }
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as { detail?: unknown };
    const why = typeof problem.detail === 'string' ? problem.detail : response.statusText;
    const advice =
      response.status === 401 ? ' Give --token, or a --config with the api.jwt.secret of that callwake.' : '';
    throw new ApiRefused(`${this.#base} answers ${response.status}: ${why}${advice}`, response.status);
  }

  async #json(response: Response): Promise<unknown> {
    try {
      return await response.json();
    } catch (error) {
      throw this.#away(error);
    }
  }

  #away(error: unknown): ApiAway {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message || String('code' in cause ? cause.code : cause) : String(cause);
    return new ApiAway(`The API at ${this.#base} can't be asked: ${why}.`, 1);
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' };

function jsonBody(body: unknown): RequestInit {
  return body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_HEADERS };
}

function eventOf(block: string): ApiEvent | undefined {
  const data = /^data: ?(.*)$/m.exec(block)?.[1];
  if (data === undefined) return undefined;
  return { name: /^event: ?(.*)$/m.exec(block)?.[1] ?? 'message', data: JSON.parse(data) };
}

function urlOf({ host, port, tls }: ApiConfig): string {
  const literal = host.includes(':') ? `[${host}]` : host;
  return `${tls.keyFile === undefined ? 'http' : 'https'}://${literal}:${port}`;
}

function ownToken({ jwt }: ApiConfig, scopes: readonly Scope[]): string | undefined {
  const { secret, audience, issuer } = jwt;
  if (secret === undefined) return undefined;
  const config = { secret, audience, ...(issuer === undefined ? {} : { issuer }) };
  return mintToken(config, { subject: 'cli', scopes, lifetime: TOKEN_LIFETIME }, systemClock);
}
