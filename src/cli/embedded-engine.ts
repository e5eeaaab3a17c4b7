import { z } from 'zod';
import { asksForCertificate } from '../config/certificate.js';
import type { Config, EngineConfig } from '../config/schema.js';
import { startChild } from './child.js';
import { SECRET_VARIABLE } from './engine-address.js';
import { CliError } from './exit.js';
import type { WatchedProcess } from './supervisor.js';

/** MB of the young heap. Transactions outlive the default of 16 and would be copied over and over. */
const YOUNG_HEAP = '--max-semi-space-size=64';

export interface StartedEngine {
  readonly process: WatchedProcess;
  /** Where its control port really is. */
  readonly port: number;
}

/**
 * Starts `callwake engine` as a process of its own and waits until it says that it is ready. What it writes otherwise goes to
 * this process's standard output.
 * @throws {CliError} when it ends before; it has said why on standard error.
 */
export async function startEmbeddedEngine(config: Config, secret: string): Promise<StartedEngine> {
  const { contacts, control, nameServers, shedding, tls } = config.engine;
  const host = control.host.includes(':') ? `[${control.host}]` : control.host;
  const args = ['engine', '--control', `${host}:${control.port}`, '--with-parent', ...tlsArguments(tls)];
  let ready: (port: number) => void = () => {};
  const port = new Promise<number>((resolve) => {
    ready = resolve;
  });
  const lists = [
    ...contacts.flatMap((contact) => ['--contact', contact]),
    ...(shedding ? [] : ['--no-shedding']),
    ...peerArguments(config),
    ...nameServers.flatMap((server) => ['--name-server', server]),
  ];
  const process = startChild([...args, ...lists], {
    env: { [SECRET_VARIABLE]: secret },
    nodeOptions: [YOUNG_HEAP],
    onLine: (line) => {
      const said = controlPort(line);
      if (said === undefined) globalThis.process.stdout.write(`${line}\n`);
      else ready(said);
    },
  });
  const ended = process.exited.then((code) => {
    throw new CliError('The SIP engine could not start.', code === 2 ? 2 : 1);
  });
  return { process, port: await Promise.race([port, ended]) };
}

function tlsArguments(tls: EngineConfig['tls']): string[] {
  const { keyFile, certFile, caFile, minVersion, ciphers, clientCertificates, serverNames } = tls;
  return [
    ...(keyFile === undefined ? [] : ['--tls-key', keyFile]),
    ...(certFile === undefined ? [] : ['--tls-cert', certFile]),
    ...(caFile === undefined ? [] : ['--tls-ca', caFile]),
    '--tls-min-version',
    minVersion,
    ...(ciphers === undefined ? [] : ['--tls-ciphers', ciphers]),
    ...serverNames.flatMap((entry) => ['--tls-sni', `${entry.name}=${entry.keyFile},${entry.certFile}`]),
    ...(clientCertificates === true ? ['--mtls'] : []),
    ...(clientCertificates === 'asked' ? ['--mtls-optional'] : []),
  ];
}

/** All peers as soon as one is particular, so that none is taken for a later one whose range has its address. Trunks first, as for requests. */
function peerArguments({ trunks, edges, registrar }: Config): string[] {
  const hosts = [...trunks.flatMap(({ peers }) => peers), ...registrar.upstream.peers];
  const all = [
    ...hosts.filter(({ transport }) => transport === 'tls').map((peer) => ({ ...peer, addresses: [peer.host] })),
    ...edges,
  ];
  if (!all.some(asksForCertificate)) return [];
  return all.flatMap(({ addresses, certificateNames, caFile }) => {
    const file = caFile === undefined ? '' : `;${caFile}`;
    return ['--tls-peer', `${addresses.join(',')}=${certificateNames.join(',')}${file}`];
  });
}

const readyLine = z.object({ ready: z.literal(true), control: z.array(z.object({ port: z.number() })).min(1) });

/** The port in the engine's ready line: `{"ready":true,"control":[{"address":"127.0.0.1","port":9022}],...}`. */
function controlPort(line: string): number | undefined {
  try {
    return readyLine.safeParse(JSON.parse(line)).data?.control[0]?.port;
  } catch {
    return undefined;
  }
}
