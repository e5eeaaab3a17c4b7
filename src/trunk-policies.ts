import type { CallPolicy } from './calls/policy.js';
import type { Config, TrunkConfig } from './config/schema.js';

/** What the configuration says of each trunk, and of single users on it. */
export class TrunkPolicies {
  readonly #trunks: ReadonlyMap<string, TrunkConfig>;
  /** Where devices' calls go: the first trunk. */
  readonly defaultTrunk: string;

  constructor(readonly config: Pick<Config, 'trunks' | 'users'>) {
    this.#trunks = new Map(config.trunks.map((trunk) => [trunk.name, trunk]));
    this.defaultTrunk = config.trunks[0]?.name ?? '';
  }

  /** @throws Error when no trunk has that name: a defect, as names come from the configuration. */
  trunk(name: string): TrunkConfig {
    const trunk = this.#trunks.get(name);
    if (trunk === undefined) throw new Error(`no trunk is called ${name}`);
    return trunk;
  }

  /** How a call over that trunk for that AOR is treated: a user's own fallback number comes before the trunk's. */
  policyOf(name: string, aor: string): CallPolicy {
    const { whenNotWoken, ...trunk } = this.trunk(name);
    const { answer, contact } = whenNotWoken;
    const { users } = this.config;
    const user = aor.slice(aor.indexOf(':') + 1, aor.lastIndexOf('@'));
    const own = users[aor] ?? users[aor.replace(/^sips?:/, '')] ?? users[user];
    const fallback = own?.fallback ?? whenNotWoken.fallback;
    return {
      ...trunk,
      whenNotWoken: {
        answer,
        ...(contact === undefined ? {} : { contact }),
        ...(fallback === undefined ? {} : { fallback: fallback.replaceAll('#', '%23') }),
      },
    };
  }
}
