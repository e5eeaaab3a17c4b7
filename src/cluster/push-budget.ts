import type { Rate } from '../guard/budget.js';
import type { RedisStore } from '../store/redis/redis-store.js';
import { TAKE } from '../store/redis/scripts.js';
import { StoreAway } from '../store/store.js';

/** The pushes that a device may have from all nodes of a site together. */
export class PushBudget {
  constructor(
    readonly store: Pick<RedisStore, 'link' | 'keys'>,
    readonly rate: Rate,
  ) {}

  /** Takes one of the device's; false when nothing is left, undefined when nobody knows as Redis is away. */
  async take({ aor, id }: { readonly aor: string; readonly id: string }): Promise<boolean | undefined> {
    const { count, per } = this.rate;
    if (count === 0) return true;
    const { link, keys } = this.store;
    try {
      return (await link.script(TAKE, [keys.pushes(aor, id)], [count, per])) === 1;
    } catch (error) {
      if (error instanceof StoreAway) return undefined;
      throw error;
    }
  }
}
