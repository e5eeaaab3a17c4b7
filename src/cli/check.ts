import { advise } from '../config/advice.js';
import { formatDuration } from '../config/duration.js';
import { verifyFiles } from '../config/files.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';

/**
 * `callwake check`: loads the configuration, looks at the files it names and prints what would run and what is doubtful.
 * @throws {ConfigError} with every problem found.
 */
export function runCheck(file: string, env: NodeJS.ProcessEnv, print: (line: string) => void): void {
  const config = loadConfig({ file, env });
  verifyFiles(config, file);
  for (const line of summarize(config)) print(line);
  for (const { path, text } of advise(config)) print(`note     ${path}: ${text}`);
  print(`${file} is all right.`);
}

/** What a configuration makes callwake do, a line per part. */
export function summarize(config: Config): readonly string[] {
  const { engine, domains, trunks, edges, directPhones, registrar, devices, push, store, log } = config;
  const control = `${engine.control.host}:${engine.control.port === 0 ? 'any port' : engine.control.port}`;
  return [
    engine.mode === 'embedded'
      ? `engine   embedded, SIP on ${engine.contacts.join(' and ')}, control on ${control}`
      : `engine   external, control on ${control}`,
    `domains  ${domains.join(', ')}`,
    ...trunks.flatMap((trunk) => [
      `trunk    ${trunk.name}: ${trunk.peers.map((peer) => `${peer.transport}/${bracket(peer.host)}:${peer.port}`).join(', ')}`,
      `         ringback ${ringback(trunk.ringback)} after ${formatDuration(trunk.ringbackAfter)}, hold ${formatDuration(trunk.hold)}, ` +
        `ring ${formatDuration(trunk.ring)}, not woken: ${trunk.whenNotWoken.answer}`,
    ]),
    ...edges.map((edge) => `edge     ${edge.name}: ${edge.addresses.join(', ')}`),
    registrar.mode === 'local'
      ? `register here${digestUsers(registrar.digest)}`
      : `register upstream: ${registrar.upstream.peers.map((peer) => `${peer.transport}/${bracket(peer.host)}:${peer.port}`).join(', ')}`,
    `phones   ${directPhones.allow ? 'may also register directly' : 'register through an edge only'}; ` +
      `pushes to ${devices.pushPlatforms.join(', ')}`,
    ...(push.provider === 'none'
      ? ['push     none: sleeping phones are not woken']
      : push.accounts.map(
          (account) =>
            `push     apns, team ${account.teamId}, key ${account.keyId}, environment ${account.environment}`,
        )),
    store.kind === 'memory' ? 'store    memory: nothing survives a restart' : `store    lmdb in ${store.path}`,
    `log      ${log.level}, ${log.format}`,
  ];
}

function ringback(kind: Config['trunks'][number]['ringback']): string {
  return kind === 'none' ? 'none' : String(kind);
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function digestUsers({ usersFile, storedUsers }: Config['registrar']['digest']): string {
  const places = [...(usersFile === undefined ? [] : [usersFile]), ...(storedUsers ? ['the store'] : [])];
  return places.length === 0 ? '' : `, digest users in ${places.join(' and ')}`;
}
