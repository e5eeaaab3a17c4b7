import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import { Stage, type StageOptions } from '../../src/demo/stage.js';
import { SCOPES, type Scope } from '../../src/ops/http/scopes.js';
import { mintToken } from '../../src/ops/http/tokens.js';

export const SECRET = 'a secret of the tests, with more than 32 characters';

/** An answer of the API, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a JSON body. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface AskOptions {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: one that allows everything; null: none. */
  readonly token?: string | null;
}

export function token(
  scopes: readonly Scope[] = Object.keys(SCOPES) as Scope[],
  subject = 'tests',
  lifetime = 600_000,
) {
  return mintToken({ secret: SECRET, audience: 'callwake' }, { subject, scopes, lifetime }, systemClock);
}

/** A callwake with its API, over real sockets. */
export class ApiStage {
  private constructor(
    readonly stage: Stage,
    readonly url: string,
  ) {}

  /** `api` goes over the stage's own settings of the API. Ends with the test. */
  static async start(
    t: Pick<ExecutionContext, 'teardown'> | undefined,
    {
      api = {},
      config = {},
      ...options
    }: Partial<StageOptions> & { readonly api?: Readonly<Record<string, unknown>> } = {},
  ): Promise<ApiStage> {
    const settings = { port: 0, jwt: { secret: SECRET }, rateLimit: { perSecond: 100_000, burst: 100_000 }, ...api };
    const stage = await Stage.start({ edge: 'path', ...options, config: { api: settings, ...config } });
    t?.teardown(() => stage.close());
    return new ApiStage(stage, String((await stage.callwake.logged('api listening')).url));
  }

  async ask(path: string, { method, body, headers = {}, token: given = token() }: AskOptions = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(given === null ? {} : { authorization: `Bearer ${given}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const { secrets } = this.stage.callwake;
    if (given !== null) secrets.add('token of the API', given.split('.')[2]);
    const shown = secrets.findIn(text, false);
    if (shown.length > 0) throw new Error(`${path} shows ${shown.join(', ')}`);
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  }
}
