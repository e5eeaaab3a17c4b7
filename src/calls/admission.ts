/** How many calls a trunk may have. */
export interface TrunkLimits {
  /** Not answered yet: held, ringing, or on their way to the trunk. */
  readonly maxHeld: number;
  /** Answered. */
  readonly maxActive: number;
}

/** A call's place among those of its trunk. */
export interface Ticket {
  /** The call was answered. */
  up(): void;
  /** The call is over. Calling it twice does nothing. */
  end(): void;
}

/** What a trunk has at the moment. */
export interface TrunkLoad {
  readonly held: number;
  readonly active: number;
}

/** Counts the calls of each trunk, both directions, and says when one more is too many. */
export class Admission {
  readonly #load = new Map<string, { held: number; active: number }>();

  /** `onRefused` is told which limit refused a call. */
  constructor(
    readonly limitsOf: (trunk: string) => TrunkLimits,
    readonly onRefused: (trunk: string, limit: keyof TrunkLimits) => void = () => {},
  ) {}

  loadOf(trunk: string): TrunkLoad {
    return this.#load.get(trunk) ?? { held: 0, active: 0 };
  }

  /** A place for a new call; undefined when the trunk has as many as it may. */
  admit(trunk: string): Ticket | undefined {
    const { maxHeld, maxActive } = this.limitsOf(trunk);
    const { held, active } = this.loadOf(trunk);
    if (held < maxHeld && active < maxActive) return this.readmit(trunk, 'held');
    this.onRefused(trunk, held >= maxHeld ? 'maxHeld' : 'maxActive');
    return undefined;
  }

  /** A place for a call that exists already, such as after a restart; never refused. */
  readmit(trunk: string, state: 'held' | 'active'): Ticket {
    const load = this.#load.get(trunk) ?? { held: 0, active: 0 };
    this.#load.set(trunk, load);
    load[state]++;
    let at: 'held' | 'active' | 'over' = state;
    return {
      up() {
        if (at !== 'held') return;
        load.held--;
        load.active++;
        at = 'active';
      },
      end() {
        if (at !== 'over') load[at]--;
        at = 'over';
      },
    };
  }
}
