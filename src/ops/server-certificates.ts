import type { Clock, Timer } from '../clock/clock.js';
import type { EngineFigures } from '../engine-figures.js';
import type { ServerCertificate } from '../grammar/server-certificate.js';

/** Between two looks, in milliseconds. */
const EVERY = 10 * 60_000;

export interface ServerCertificateOptions {
  readonly clock: Clock;
  /** Asks the engine how it does. */
  readonly figures: () => Promise<EngineFigures | undefined>;
  /** Servers that this process itself has connections to at the moment. */
  readonly connected: () => readonly (ServerCertificate | undefined)[];
  readonly onCertificate: (certificate: ServerCertificate) => void;
}

/** Looks again and again which certificates servers have shown to connections of the engine, and of this process. */
export class ServerCertificates {
  readonly #options: ServerCertificateOptions;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: ServerCertificateOptions) {
    this.#options = options;
  }

  /** Looks now, and from now on. */
  look(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimeout(() => this.look(), EVERY);
    for (const certificate of this.#options.connected()) {
      if (certificate !== undefined) this.#options.onCertificate(certificate);
    }
    void this.engine();
  }

  /** How the engine does; what it says of certificates is told too. */
  async engine(): Promise<EngineFigures | undefined> {
    const figures = await this.#options.figures();
    for (const { host, address, port, until } of figures?.serverCertificates ?? []) {
      const at = host === address ? '' : ` at ${address}`;
      this.#options.onCertificate({ server: `SIP server ${host}:${port}${at}`, until });
    }
    return figures;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}
