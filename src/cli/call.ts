import { writeFileSync } from 'node:fs';
import { captureOf } from '../ops/timeline/capture.js';
import { readLoggedCall } from '../ops/timeline/read-calls.js';
import { ladderText } from '../ops/timeline/text.js';
import { ApiClient, type ApiOptions } from './api/client.js';
import { CliError } from './exit.js';

export interface CallOptions extends ApiOptions {
  /** Read files there instead of asking a callwake that runs. */
  readonly folder?: string;
  /** Write a capture file there instead of the ladder. */
  readonly pcapng?: string;
  readonly json?: boolean;
}

/**
 * `callwake call`: a call as a ladder, as JSON, or as a capture file, from a callwake that runs or from the files that it wrote.
 * @throws {CliError} when there is no such call, or the API can't be asked
 */
export async function runCall(
  id: string,
  env: NodeJS.ProcessEnv,
  options: CallOptions,
  write: (text: string) => void,
): Promise<void> {
  const what = options.pcapng !== undefined ? 'capture' : options.json ? 'json' : 'ladder';
  const bytes =
    options.folder === undefined
      ? await fromApi(id, what, ApiClient.open(options, env, ['calls:read']))
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

async function fromApi(id: string, what: What, api: ApiClient): Promise<Buffer> {
  const response = await api.ask(`/v1/calls/${encodeURIComponent(id)}${what === 'json' ? '' : `/${what}`}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  return what === 'json' ? Buffer.from(`${JSON.stringify(JSON.parse(bytes.toString()), undefined, 2)}\n`) : bytes;
}
