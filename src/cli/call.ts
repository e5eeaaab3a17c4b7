import { writeFileSync } from 'node:fs';
import { systemClock } from '../clock/clock.js';
import { loadConfig } from '../config/load.js';
import type { ApiConfig } from '../config/schema.js';
import { mintToken } from '../ops/http/tokens.js';
import { captureOf } from '../ops/timeline/capture.js';
import { readLoggedCall } from '../ops/timeline/read-calls.js';
import { ladderText } from '../ops/timeline/text.js';
import { CliError } from './exit.js';

export interface CallOptions {
  /** Read files there instead of asking a callwake that runs. */
  readonly folder?: string;
  /** Where the API is; default as the configuration says. */
  readonly url?: string;
  /** Bearer token; default one that is signed with the configured secret. */
  readonly token?: string;
  /** Write a capture file there instead of the ladder. */
  readonly pcapng?: string;
  readonly json?: boolean;
}

/** A token for one request. */
const TOKEN_LIFETIME = 60_000;
const PATIENCE = 10_000;

/**
 * `callwake call`: a call as a ladder, as JSON, or as a capture file, from a callwake that runs or from the files that it wrote.
 * @throws {CliError} when there is no such call, or the API can't be asked
 */
export async function runCall(
  id: string,
  configFile: string,
  env: NodeJS.ProcessEnv,
  options: CallOptions,
  write: (text: string) => void,
): Promise<void> {
  const what = options.pcapng !== undefined ? 'capture' : options.json ? 'json' : 'ladder';
  const bytes =
    options.folder === undefined
      ? await fromApi(id, what, configFile, env, options)
      : await fromFolder(id, what, options.folder);
  if (options.pcapng === undefined) return write(bytes.toString('utf8'));
  writeFileSync(options.pcapng, bytes);
  write(`${options.pcapng}: ${bytes.length} bytes\n`);
}

type What = 'ladder' | 'json' | 'capture';

async function fromFolder(id: string, what: What, folder: string): Promise<Buffer> {
  const call = await readLoggedCall(folder, id);
  if (call === undefined) throw new CliError(`There is no call ${id} in the files of ${folder}.`, 1);
  if (what === 'capture') return captureOf(call, call.messages);
  return Buffer.from(what === 'json' ? `${JSON.stringify(call, undefined, 2)}\n` : ladderText(call));
}

async function fromApi(
  id: string,
  what: What,
  configFile: string,
  env: NodeJS.ProcessEnv,
  { url, token }: CallOptions,
): Promise<Buffer> {
  const api = url === undefined || token === undefined ? loadConfig({ file: configFile, env }).api : undefined;
  const base = url ?? (api === undefined ? '' : urlOf(api));
  const bearer = token ?? (api === undefined ? undefined : ownToken(api));
  const path = `/v1/calls/${encodeURIComponent(id)}${what === 'json' ? '' : `/${what}`}`;
  let response: Response;
  try {
    response = await fetch(`${base.replace(/\/+$/, '')}${path}`, {
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new CliError(`The API at ${base} can't be asked: ${cause instanceof Error ? cause.message : cause}.`, 1);
  }
  if (response.ok) {
    const bytes = Buffer.from(await response.arrayBuffer());
    return what === 'json' ? Buffer.from(`${JSON.stringify(JSON.parse(bytes.toString()), undefined, 2)}\n`) : bytes;
  }
  const problem = (await response.json().catch(() => ({}))) as { detail?: unknown };
  const why = typeof problem.detail === 'string' ? problem.detail : response.statusText;
  throw new CliError(`${base} answers ${response.status}: ${why}`, 1);
}

function urlOf({ host, port, tls }: ApiConfig): string {
  const literal = host.includes(':') ? `[${host}]` : host;
  return `${tls.keyFile === undefined ? 'http' : 'https'}://${literal}:${port}`;
}

function ownToken({ jwt }: ApiConfig): string | undefined {
  const { secret, audience, issuer } = jwt;
  if (secret === undefined) return undefined;
  const config = { secret, audience, ...(issuer === undefined ? {} : { issuer }) };
  return mintToken(config, { subject: 'cli', scopes: ['calls:read'], lifetime: TOKEN_LIFETIME }, systemClock);
}
