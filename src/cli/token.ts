import { systemClock } from '../clock/clock.js';
import { loadConfig } from '../config/load.js';
import { isScope, SCOPES, type Scope } from '../ops/http/scopes.js';
import { mintToken } from '../ops/http/tokens.js';
import { CliError } from './exit.js';

export interface TokenOptions {
  readonly scope: readonly string[];
  /** Milliseconds. */
  readonly expires: number;
  readonly subject: string;
}

/**
 * `callwake token`: a bearer token for the HTTP API, signed with the configured secret.
 * @throws {CliError} for an unknown scope, or when the configuration has no secret
 */
export function runToken(file: string, env: NodeJS.ProcessEnv, { scope, expires, subject }: TokenOptions): string {
  const { secret, audience, issuer } = loadConfig({ file, env }).api.jwt;
  if (secret === undefined) {
    throw new CliError('There is no secret to sign with: set api.jwt.secret, or CALLWAKE_API__JWT__SECRET.', 2);
  }
  const config = { secret, audience, ...(issuer === undefined ? {} : { issuer }) };
  return mintToken(config, { subject, scopes: scope.map(scopeNamed), lifetime: expires }, systemClock);
}

function scopeNamed(text: string): Scope {
  if (isScope(text)) return text;
  throw new CliError(`${text} is no scope; there are ${Object.keys(SCOPES).join(', ')}.`, 2);
}
