/** Where an engine's control port is, and the word that opens it. */
export interface EngineAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/** The variable that `start` hands the engine's address to the app in: `host:port:secret`, IPv6 in brackets. */
export const ENGINE_VARIABLE = 'CALLWAKE_ENGINE_CONTROL';

/** The variable that `start` names the run of its engine in. */
export const ENGINE_RUN_VARIABLE = 'CALLWAKE_ENGINE_RUN';

/** The variable that hands the engine its secret: arguments can be read by every user of the machine. */
export const SECRET_VARIABLE = 'CALLWAKE_ENGINE_SECRET';

/** As {@link ENGINE_VARIABLE} has it. */
export function formatEngineAddress({ host, port, secret }: EngineAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}:${secret}`;
}

/** The reverse of {@link formatEngineAddress}; undefined for anything else. */
export function parseEngineAddress(text: string): EngineAddress | undefined {
  const [, bracketed, plain, port, secret] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5}):(.+)$/s.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || secret === undefined || Number(port) > 65535) return undefined;
  return { host, port: Number(port), secret };
}
