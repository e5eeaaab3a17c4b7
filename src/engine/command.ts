import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Networks } from '../grammar/networks.js';
import { ContactError } from './contacts.js';
import { HandlerError, parseHandler } from './control/handlers.js';
import { Engine, type Started } from './engine.js';
import type { TlsSettings } from './transport/index.js';

/** The options of `callwake engine`, as given on the command line. */
export interface EngineCommandOptions {
  /** `--contact`, once or more. */
  contact: readonly string[];
  /** `--control host:port`. */
  control: string;
  /** `--control-tls host:port`: the same inside TLS, with `tlsKey` and `tlsCert`. */
  controlTls?: string | undefined;
  secret: string;
  /** Name servers in place of the machine's own, once or more: `192.0.2.53` or `192.0.2.53:5353`. */
  nameServer?: readonly string[] | undefined;
  /** Files in PEM. */
  tlsKey?: string | undefined;
  tlsCert?: string | undefined;
  tlsCa?: string | undefined;
  /** Lowest version of TLS; 1.2. */
  tlsMinVersion?: '1.2' | '1.3' | undefined;
  /** Cipher suites of TLS 1.2, as OpenSSL lists them. */
  tlsCiphers?: string | undefined;
  /** Certificates by the name that is asked for (SNI), once or more: `NAME=KEYFILE,CERTFILE`; `*.NAME` for any name one level below. */
  tlsSni?: readonly string[] | undefined;
  /** Peers of which more is known, once or more: `ADDRESS,...=NAME,...;CAFILE`, names and file may be missing. The first that fits counts. */
  tlsPeer?: readonly string[] | undefined;
  /** Refuse phones, edges and trunks that show no certificate of `tlsCa`. */
  mtls?: boolean | undefined;
  /** Ask them for one, and take those without it too. */
  mtlsOptional?: boolean | undefined;
  /** Take any certificate when connecting out over TLS. */
  tlsInsecure?: boolean | undefined;
  /** Outbound mode, once or more: `[METHOD[:GET|:POST]=]URL` with tcp, tls, http or https. */
  requestHandler?: readonly string[] | undefined;
  /** Seconds. */
  holdLimit?: number | undefined;
  /** False: new work is not turned away when this machine is busy. */
  shedding?: boolean | undefined;
  /** End when the parent's end of standard input closes. */
  withParent?: boolean | undefined;
  verbose?: boolean | undefined;
}

/** What the command needs of its process. */
export interface EngineProcess {
  stdout: (line: string) => void;
  stderr: (line: string) => void;
  /** Calls back once, when it is time to end: SIGTERM, SIGINT, or (if asked for) the end of standard input. */
  onEnd: (withParent: boolean, fn: () => void) => void;
  /** Calls back whenever certificates and keys shall be read again: SIGHUP. */
  onReload?: (fn: () => void) => void;
}

/**
 * `callwake engine`: runs the engine until the process is told to end. Prints one line of JSON when everything listens:
 * `{"ready":true,"contacts":[{"protocol","address","port"}],"control":[{"address","port"}]}`. Resolves with the exit code: 0, or 2 with one line on standard
 * error when the options are wrong or an address can't be bound.
 */
export async function runEngine(options: EngineCommandOptions, host: EngineProcess = ownProcess()): Promise<number> {
  let engine: Engine;
  let started: Started;
  try {
    engine = new Engine(engineOptions(options, host));
    started = await engine.start();
  } catch (error) {
    host.stderr(`callwake engine: ${explain(error)}`);
    return 2;
  }
  host.onReload?.(() => reload(engine, options, host));
  host.stdout(JSON.stringify({ ready: true, ...started }));
  await new Promise<void>((resolve) => host.onEnd(options.withParent ?? false, resolve));
  await engine.stop();
  return 0;
}

/** What can't be used changes nothing. */
function reload(engine: Engine, options: EngineCommandOptions, host: EngineProcess): void {
  try {
    const tls = readTls(options);
    if (!tls.key) return;
    engine.reload(tls, clientTls(tls, options));
    host.stderr('callwake engine: certificates loaded anew');
  } catch (error) {
    host.stderr(`callwake engine: the certificates stay as they were: ${explain(error)}`);
  }
}

function clientTls(tls: TlsSettings, options: EngineCommandOptions): TlsSettings {
  return { ...tls, insecure: options.tlsInsecure ?? false };
}

/** An app that is started again right away is back within a second or two. */
const SUCCESSOR_WAIT = 10_000;

/** Limits that are never reached; those of memory and of waiting requests stay. */
const NO_SHEDDING = { wait: 3_600_000, lag: 3_600_000 };

/** The control protocol shows its secret, and everything else, in clear. */
const OWN_MACHINE = new Networks(['127.0.0.0/8', '::1']);

class OptionError extends Error {}

function engineOptions(options: EngineCommandOptions, host: EngineProcess): ConstructorParameters<typeof Engine>[0] {
  if (options.contact.length === 0) throw new OptionError('at least one --contact is needed');
  if (options.secret === '') throw new OptionError('--secret must not be empty');
  const tls = readTls(options);
  const control = [parseHostPort(options.control, '--control')];
  if (!control.every(({ address }) => address === 'localhost' || OWN_MACHINE.has(address)))
    throw new OptionError(
      '--control must be an address of this machine alone, such as 127.0.0.1:9022; elsewhere give --control-tls',
    );
  const secured =
    options.controlTls === undefined
      ? []
      : [{ ...parseHostPort(options.controlTls, '--control-tls'), tls: controlTls(tls) }];
  return {
    contacts: options.contact,
    control: [...control, ...secured],
    secret: options.secret,
    nameServers: options.nameServer?.map(checkedServer),
    tls,
    tlsClient: clientTls(tls, options),
    requestHandlers: options.requestHandler?.map(parseHandler),
    holdLimit: options.holdLimit === undefined ? undefined : options.holdLimit * 1000,
    successorWait: SUCCESSOR_WAIT,
    load: options.shedding === false ? NO_SHEDDING : undefined,
    log: options.verbose ? host.stderr : undefined,
    warn: (text) => host.stderr(`callwake engine: ${text}`),
  };
}

function readTls(options: EngineCommandOptions): TlsSettings {
  const read = (file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new OptionError(
        `can't read ${file}: ${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}`,
      );
    }
  };
  const key = read(options.tlsKey);
  const cert = read(options.tlsCert);
  const ca = read(options.tlsCa);
  const sni = (options.tlsSni ?? []).map((text) => {
    const { name, keyFile, certFile } = parseSni(text);
    return [name, { key: read(keyFile) ?? '', cert: read(certFile) ?? '' }] as const;
  });
  const peers = (options.tlsPeer ?? []).map((text) => {
    const { caFile, ...trust } = parsePeer(text);
    const own = read(caFile);
    return { ...trust, ...(own === undefined ? {} : { ca: own }) };
  });
  return {
    ...(peers.length === 0 ? {} : { peers }),
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(ca === undefined ? {} : { ca }),
    ...(options.tlsMinVersion === '1.3' ? { minVersion: 'TLSv1.3' } : {}),
    ...(options.tlsCiphers === undefined ? {} : { ciphers: options.tlsCiphers }),
    ...(sni.length === 0 ? {} : { sni: Object.fromEntries(sni) }),
    ...(options.mtls ? { requireClientCertificate: true } : {}),
    ...(options.mtlsOptional ? { requestClientCertificate: true } : {}),
  };
}

function checkedServer(text: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([^:]+)(?::\d{1,5})?)$/.exec(text) ?? [];
  if (isIP(bracketed ?? plain ?? text) === 0)
    throw new OptionError(`--name-server must be an IP address, or address:port, not "${text}"`);
  return text;
}

function parseSni(text: string): { name: string; keyFile: string; certFile: string } {
  const [, name, keyFile, certFile] = /^((?:\*\.)?[\w.-]+)=([^,]+),([^,]+)$/.exec(text) ?? [];
  if (!name || !keyFile || !certFile) throw new OptionError(`--tls-sni must be NAME=KEYFILE,CERTFILE, not "${text}"`);
  return { name, keyFile, certFile };
}

function parsePeer(text: string): { addresses: string[]; names: string[]; caFile?: string } {
  const [, addresses = '', names = '', caFile] = /^([^=;]+)=([^;]*)(?:;(.+))?$/.exec(text) ?? [];
  const listed = (list: string): string[] => list.toLowerCase().split(',').filter(Boolean);
  if (addresses === '') throw new OptionError(`--tls-peer must be ADDRESS,...=NAME,...;CAFILE, not "${text}"`);
  return { addresses: listed(addresses), names: listed(names), ...(caFile === undefined ? {} : { caFile }) };
}

function controlTls(tls: TlsSettings): { key: string | Buffer; cert: string | Buffer } {
  if (!tls.key || !tls.cert) throw new OptionError('--control-tls needs --tls-key and --tls-cert');
  return { key: tls.key, cert: tls.cert };
}

function parseHostPort(text: string, option: string): { address: string; port: number } {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65535) throw new OptionError(`${option} must be host:port, not "${text}"`);
  return { address: match[1].replace(/^\[|\]$/g, ''), port };
}

function explain(error: unknown): string {
  if (error instanceof ContactError || error instanceof HandlerError || error instanceof OptionError)
    return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const where = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`;
  if (code === 'EADDRINUSE') return `port in use:${where}`;
  if (code === 'EADDRNOTAVAIL') return `not an address of this machine:${where}`;
  if (code === 'EACCES') return `not allowed to listen on${where}`;
  return error.message.split('\n')[0] ?? 'failed';
}

function ownProcess(): EngineProcess {
  return {
    onReload: (fn) => void process.on('SIGHUP', fn),
    stdout: (line) => void process.stdout.write(`${line}\n`),
    stderr: (line) => void process.stderr.write(`${line}\n`),
    onEnd: (withParent, fn) => {
      process.once('SIGTERM', fn);
      process.once('SIGINT', fn);
      if (!withParent) return;
      process.stdin.once('end', fn).once('close', fn).resume();
    },
  };
}
