import type { Clock } from '../clock/clock.js';
import { addressKey } from './address-key.js';
import { type Ban, type BanSettings, Bans } from './bans.js';
import { Budget, type Rate } from './budget.js';
import { type Refusal, Refusals } from './refusals.js';

/** What nobody may have more of; a count of 0 is no limit. */
export interface GuardSettings {
  readonly pushes: { readonly perDevice: Rate; readonly perCaller: Rate; readonly perTrunk: Rate };
  /** Calls of one user's phones to the trunk. */
  readonly outboundCalls: Rate;
  /** REGISTERs of one address that is no edge's. */
  readonly registrations: Rate;
  readonly bans: BanSettings;
}

export interface GuardOptions {
  readonly settings: GuardSettings;
  readonly clock: Clock;
  /** Takes a push of what a device may have from all nodes together: false when nothing is left, undefined when that isn't known. */
  readonly sharedDevicePushes?: ((device: PushedDevice) => Promise<boolean | undefined>) | undefined;
  /** Told of pushes and calls that a budget has refused, as often as {@link Refusals} allows. */
  readonly onTold?: (refusal: Refusal, untold: number) => void;
  /** A budget of pushes or calls has refused something. */
  readonly onBudget?: (budget: BudgetName | 'heldPerAor', subject: string) => void;
  readonly onBanned?: (ban: Ban) => void;
}

export type BudgetName =
  | 'pushes.perDevice'
  | 'pushes.perCaller'
  | 'pushes.perTrunk'
  | 'outboundCalls'
  | 'registrations';

interface PushedDevice {
  readonly aor: string;
  readonly id: string;
}

/** Who calls, and over which trunk. */
interface PushedCall {
  readonly trunk: string;
  readonly callerNumber?: string;
}

/** Programs that look for open SIP servers, by what they call themselves. */
const SCANNERS =
  /friendly-scanner|sipvicious|sip-?cli|sundayddr|siparmyknife|vaxsipuseragent|pplsip|sip-?scan|sipptk|iwar/i;

/** Keeps what strangers, phones and trunks may ask for within bounds, and counts what is refused. All of it in bounded memory. */
export class Guard {
  readonly refusals: Refusals;
  readonly bans: Bans;
  readonly #options: GuardOptions;
  readonly #budgets: Readonly<Record<BudgetName, Budget>>;

  constructor(options: GuardOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.refusals = new Refusals(clock);
    this.bans = new Bans(settings.bans, clock);
    const { perDevice, perCaller, perTrunk } = settings.pushes;
    this.#budgets = {
      'pushes.perDevice': new Budget(perDevice, clock),
      'pushes.perCaller': new Budget(perCaller, clock),
      'pushes.perTrunk': new Budget(perTrunk, clock),
      outboundCalls: new Budget(settings.outboundCalls, clock),
      registrations: new Budget(settings.registrations, clock),
    };
  }

  /** A push to that device, of whatever kind; false when it had too many, from this node or from all that share a count. */
  devicePush(device: PushedDevice): boolean | Promise<boolean> {
    const name = `${device.aor} ${device.id}`;
    const { sharedDevicePushes } = this.#options;
    if (!this.#take('pushes.perDevice', name, 'push', device.aor)) return false;
    return sharedDevicePushes === undefined || this.#takeShared(sharedDevicePushes(device), name, device.aor);
  }

  async #takeShared(taken: Promise<boolean | undefined>, name: string, aor: string): Promise<boolean> {
    if ((await taken) !== false) return true;
    this.#refused('pushes.perDevice', name, 'push', aor);
    return false;
  }

  /** Takes a push for a call. Why there is none; undefined when there is. Without a number the caller has no budget of his own. */
  callPushRefusal({ trunk, callerNumber }: PushedCall): 'CallerBudget' | 'TrunkBudget' | undefined {
    if (callerNumber !== undefined && !this.#take('pushes.perCaller', `${trunk} ${callerNumber}`, 'push', trunk)) {
      return 'CallerBudget';
    }
    return this.#take('pushes.perTrunk', trunk, 'push', trunk) ? undefined : 'TrunkBudget';
  }

  /** A call was refused as too many wait for its user. */
  heldRefused({ trunk, aor }: { readonly trunk: string; readonly aor: string }): void {
    this.#options.onBudget?.('heldPerAor', aor);
    this.#note({ what: 'INVITE', reason: 'budget heldPerAor', source: trunk, about: aor, status: 486 });
  }

  /** A call of that user's phones to the trunk; false when there were too many. Whoever asks notes the refusal. */
  outboundCall(aor: string): boolean {
    return this.#take('outboundCalls', aor, undefined, aor);
  }

  /** A REGISTER from that address; false when there were too many. Whoever asks notes the refusal. */
  registration(address: string): boolean {
    return this.#take('registrations', addressKey(address), undefined, address);
  }

  /** Whether a program that calls itself that looks for open SIP servers. */
  looksLikeScanner(userAgent: string): boolean {
    return SCANNERS.test(userAgent);
  }

  /** Bans the address of such a program. */
  scannerSeen(address: string): void {
    this.#banned(this.bans.ban(address, 'scanner'));
  }

  /** Wrong credentials from that address. */
  authenticationFailed(address: string, reason: string): void {
    this.#banned(this.bans.failed(address, reason));
  }

  #note(refusal: Refusal): void {
    const untold = this.refusals.note(refusal);
    if (untold !== undefined) this.#options.onTold?.(refusal, untold);
  }

  #banned(ban: Ban | undefined): void {
    if (ban !== undefined) this.#options.onBanned?.(ban);
  }

  #take(name: BudgetName, key: string, what: string | undefined, subject: string): boolean {
    if (this.#budgets[name].take(key)) return true;
    this.#refused(name, key, what, subject);
    return false;
  }

  #refused(name: BudgetName, key: string, what: string | undefined, subject: string): void {
    this.#options.onBudget?.(name, subject);
    if (what !== undefined) this.#note({ what, reason: `budget ${name}`, source: key, status: 0 });
  }
}
