import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Clock, Timer } from '../clock/clock.js';
import type { Config } from '../config/schema.js';
import type { ServerCertificate } from '../grammar/server-certificate.js';
import type { AlarmBoard } from './alarms/board.js';

const DAY = 86_400_000;
/** Between two looks at the files: some days are left when the first alarm comes. */
const EVERY = 6 * 3_600_000;
/** Certificates of peers and servers that are remembered. */
const MAX_PEERS = 50;

/** A certificate and when it ends, epoch milliseconds. */
export interface KnownCertificate {
  /** The setting that names its file, the trunk or edge that shows it, with its name, or the server that shows it. */
  readonly name: string;
  readonly until: number;
}

/** A file with certificates and the setting that names it. */
export interface CertificateFile {
  readonly setting: string;
  readonly file: string;
}

export interface CertificateWatchOptions {
  readonly clock: Clock;
  readonly alarms: AlarmBoard;
  /** How long before its end a certificate is an alarm, in milliseconds. */
  readonly notice: number;
  readonly files: readonly CertificateFile[];
}

/** Every certificate that a configuration names: callwake's own, and the authorities that it trusts. */
export function certificateFilesOf({ engine, api, push, store, trunks, edges, registrar }: Config): CertificateFile[] {
  const { tls, control } = engine;
  const named: (readonly [string, string | undefined])[] = [
    ['engine.tls.certFile', tls.certFile],
    ['engine.tls.caFile', tls.caFile],
    ['engine.control.caFile', control.caFile],
    ...tls.serverNames.map(({ certFile }, index) => [`engine.tls.serverNames[${index}].certFile`, certFile] as const),
    ...trunks.flatMap(({ peers }, trunk) =>
      peers.map(({ caFile }, index) => [`trunks[${trunk}].peers[${index}].caFile`, caFile] as const),
    ),
    ...edges.map(({ caFile }, index) => [`edges[${index}].caFile`, caFile] as const),
    ...registrar.upstream.peers.map(
      ({ caFile }, index) => [`registrar.upstream.peers[${index}].caFile`, caFile] as const,
    ),
    ['api.tls.certFile', api.enabled ? api.tls.certFile : undefined],
    ['push.caFile', push.caFile],
    ['store.redis.tls.certFile', store.redis.tls.certFile],
    ['store.redis.tls.caFile', store.redis.tls.caFile],
  ];
  return named.flatMap(([setting, file]) => (file === undefined ? [] : { setting, file }));
}

/** Tells of certificates before they end: those in files, and those that trunk peers, edges and servers show. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #peers = new LRUCache<string, KnownCertificate>({ max: MAX_PEERS });
  #files: readonly CertificateFile[];
  #known: readonly KnownCertificate[] = [];
  #timer: Timer | undefined;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#look();
  }

  /** All that are known, those of files first. */
  get list(): readonly KnownCertificate[] {
    return [...this.#known, ...this.#peers.values()];
  }

  /** Files may have changed, and which there are. */
  reload(files: readonly CertificateFile[]): void {
    const gone = this.#known.filter(({ name }) => files.every(({ setting }) => setting !== name));
    for (const { name } of gone) this.#clear(name);
    this.#files = files;
    this.#look();
  }

  /** A trunk peer or an edge showed a certificate of that name. Cheap when it is the one from before. */
  shown(group: string, domains: readonly string[], until: number): void {
    this.#seen(`${group}: ${domains[0] ?? 'no SIP domain'}`, until);
  }

  /** A server showed its certificate to a connection from here. Cheap when it is the one from before. */
  shownBy({ server, until }: ServerCertificate): void {
    this.#seen(server, until);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #seen(name: string, until: number): void {
    if (this.#peers.get(name)?.until === until) return;
    this.#peers.set(name, { name, until });
    this.#judge({ name, until });
  }

  #look(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimeout(() => this.#look(), EVERY);
    this.#known = this.#files.flatMap(({ setting, file }) => {
      const until = endOf(file);
      return until === undefined ? [] : { name: setting, until };
    });
    for (const certificate of this.list) this.#judge(certificate);
  }

  #judge({ name, until }: KnownCertificate): void {
    const { clock, alarms, notice } = this.#options;
    const left = until - clock.now();
    const day = new Date(until).toISOString().slice(0, 10);
    if (left > notice) this.#clear(name);
    else if (left > 0) {
      alarms.clear('CertExpired', name);
      alarms.raiseOwn('CertExpiresSoon', name, `${Math.floor(left / DAY)} days left, until ${day}`);
    } else {
      alarms.clear('CertExpiresSoon', name);
      alarms.raiseOwn('CertExpired', name, `ended on ${day}`);
    }
  }

  #clear(name: string): void {
    this.#options.alarms.clear('CertExpiresSoon', name);
    this.#options.alarms.clear('CertExpired', name);
  }
}

/** When the first of a file's certificates ends; undefined when there is none to be read, which others tell. */
function endOf(file: string): number | undefined {
  try {
    const found = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const ends = found.map((pem) => Date.parse(new X509Certificate(pem).validTo));
    return ends.length === 0 ? undefined : Math.min(...ends);
  } catch {
    return undefined;
  }
}
