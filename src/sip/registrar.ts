import type { Clock } from '../clock/clock.js';
import type { Config, RegistrarConfig } from '../config/schema.js';
import { DigestAuthenticator } from '../devices/digest.js';
import { anyOf, type DigestUsers } from '../devices/digest-users.js';
import type { DeviceRegistry } from '../devices/registry.js';
import { UsersFile } from '../devices/users-file.js';
import type { Drachtio } from './drachtio.js';
import type { Peers } from './peers.js';
import type { Registrar } from './register.js';
import type { AccessOptions } from './register-access.js';
import { UpstreamRegistrar } from './upstream-registrar.js';

export interface RegistrarParts {
  readonly config: RegistrarConfig;
  readonly drachtio: Drachtio;
  readonly registry: DeviceRegistry;
  readonly clock: Clock;
  readonly domains: readonly string[];
  /** Where the engine takes SIP over that transport, `192.0.2.1:5060`; undefined if nowhere or not known yet. */
  readonly listener: (transport: string) => string | undefined;
}

/** The registrar that the configuration names. */
export function registrarOf({ config, drachtio, registry, clock, domains, listener }: RegistrarParts): Registrar {
  if (config.mode === 'local') return { register: (request) => registry.register(request) };
  const { peers, path } = config.upstream;
  const pathUri = (transport: string): string | undefined => {
    const own = listener(transport);
    return path ?? (own === undefined ? undefined : `sip:${own};transport=${transport}`);
  };
  return new UpstreamRegistrar({ drachtio, registry, clock, domains, peers, pathUri });
}

/** The realm of digest. */
export function realmOf({ registrar, domains }: Config): string {
  return registrar.digest.realm ?? domains[0] ?? '';
}

/**
 * Who may register, as the configuration says.
 * @throws DigestUsersError, or a file system error, when the users file can't be used.
 */
export function accessTo(parts: {
  readonly config: Config;
  readonly edges: Peers;
  readonly clock: Clock;
  /** Users of digest that the store keeps; they count with `registrar.digest.storedUsers`. */
  readonly storedUsers: DigestUsers;
  /** The users file was changed to something that can't be used. */
  readonly onUsersProblem: (error: unknown) => void;
}): AccessOptions {
  const { config, edges, clock, storedUsers, onUsersProblem } = parts;
  const { mode, digest } = config.registrar;
  const trusts = new Map(config.edges.map((edge) => [edge.name, edge]));
  const realm = realmOf(config);
  const places = [
    ...(digest.usersFile === undefined ? [] : [new UsersFile(digest.usersFile, clock, onUsersProblem)]),
    ...(digest.storedUsers ? [storedUsers] : []),
  ];
  const users = mode === 'local' && places.length > 0 ? anyOf(places) : undefined;
  return {
    edgeOf: (req) => trusts.get(edges.groupOf(req) ?? ''),
    edgeLack: (req) => edges.lackOf(req),
    allowDirect: config.directPhones.allow,
    ...(users === undefined
      ? {}
      : {
          digest: {
            realm,
            authenticator: new DigestAuthenticator({
              realm,
              users,
              clock,
              nonceLifetime: digest.nonceLifetime,
              algorithms: digest.algorithms,
            }),
          },
        }),
  };
}
