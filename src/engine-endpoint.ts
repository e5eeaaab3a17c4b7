/** Where the SIP engine's control port is. */
export interface EngineEndpoint {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Its control port speaks TLS; `ca`: authorities to trust instead of the system's, PEM. */
  readonly tls?: { readonly ca?: string };
  /** Names this run of the engine: its transactions and dialogs end with it. Default: an engine that never ends. */
  readonly run?: string;
}

/** The engine does not accept the configured secret. */
export class EngineRefused extends Error {
  constructor({ host, port }: EngineEndpoint) {
    super(
      `The SIP engine at ${host}:${port} refused the secret: engine.control.secret must be the one it was started with.`,
    );
    this.name = 'EngineRefused';
  }
}
