import type { Clock } from '../clock/clock.js';
import type { Device, PushToken, StateOf } from '../devices/types.js';
import { type Alert, alertOf } from '../push/alert-payload.js';
import type { PushOutcome, PushRequest } from '../push/provider.js';
import { factsOf } from './facts.js';
import type { Notification, Notifier, NotifyOptions, NotifyResult } from './notification.js';
import type { Preferences } from './preferences.js';
import { silenceAt } from './quiet-hours.js';

/** Pushes to a device's token for alerts. */
export interface AlertPushes {
  /** Undefined when the device has no token for alerts, or gets no pushes. */
  tokenFor(device: Device, kind: 'alert'): PushToken | undefined;
  /** Never rejects. */
  push(
    kind: 'alert',
    order: Pick<PushRequest, 'deadline' | 'expiresAt' | 'priority' | 'collapseId' | 'stillWanted'> & {
      readonly device: Device;
      /** Makes the body with as much in it as the device's app may be told. */
      readonly payload: Alert['payload'];
    },
  ): Promise<PushOutcome>;
}

/** What is known of the phones. */
export interface NotifiedDevices {
  devicesOf(aor: string): Promise<readonly Device[]>;
  notifiedStateOf(device: Device): StateOf;
  lastActiveOf(device: Device): number | undefined;
}

export interface NotifySettings {
  /** No push to a device while another one of the user was in use within so many milliseconds; 0: each on its own. */
  readonly otherActive: number;
  /** How long Apple keeps an alert for a phone that is switched off, in milliseconds. */
  readonly keep: number;
}

export interface PushNotifierOptions {
  readonly clock: Clock;
  readonly devices: NotifiedDevices;
  readonly pushes: AlertPushes;
  readonly preferences: Pick<Preferences, 'get'>;
  readonly settings: NotifySettings;
  /** Told of each decision. */
  readonly onDecided?: (notification: Notification, result: NotifyResult) => void;
}

const PATIENCE = 60_000;

/** A device that a push may have to go to. */
interface Sleeper {
  readonly device: Device;
  readonly activeAt: number | undefined;
}

/** Tells sleeping phones by alert push, as each device's state and its user's wishes allow. */
export class PushNotifier implements Notifier {
  readonly #options: PushNotifierOptions;

  constructor(options: PushNotifierOptions) {
    this.#options = options;
  }

  async notify(notification: Notification, options: NotifyOptions = {}): Promise<readonly NotifyResult[]> {
    const { aor, deviceId } = notification;
    const { devices: known, preferences } = this.#options;
    const all = await known.devicesOf(aor);
    const asked = all.filter(
      ({ id }) => (deviceId === undefined || id === deviceId) && (options.devices?.has(id) ?? true),
    );
    if (asked.length === 0) return [];
    const wishes = await preferences.get(aor);
    const results = await new Round(this.#options, notification, options, asked, all).run(
      silenceAt(wishes, this.#options.clock.now(), notification.conversation),
    );
    for (const result of results) this.#options.onDecided?.(notification, result);
    return results;
  }
}

/** One notification on its way to a user's devices. */
class Round {
  readonly #now: number;

  constructor(
    readonly options: PushNotifierOptions,
    readonly notification: Notification,
    readonly wanted: NotifyOptions,
    readonly asked: readonly Device[],
    readonly all: readonly Device[],
  ) {
    this.#now = options.clock.now();
  }

  async run(silence: 'muted' | 'quiet' | undefined): Promise<readonly NotifyResult[]> {
    const { expiresAt } = this.notification;
    const results: NotifyResult[] = [];
    const decide = ({ id }: Device, outcome: NotifyResult['outcome'], reason: string): void => {
      results.push({ device: id, outcome, reason });
    };
    const sleepers: Sleeper[] = [];
    for (const device of this.asked) {
      const token = this.options.pushes.tokenFor(device, 'alert');
      if (expiresAt !== undefined && expiresAt <= this.#now) decide(device, 'expired', 'no longer wanted');
      else if (this.wanted.delivered?.has(device.id)) decide(device, 'active', 'delivered over SIP');
      else if (this.#isActive(device)) decide(device, 'active', this.options.devices.notifiedStateOf(device).reason);
      else if (token === undefined) decide(device, 'unreachable', 'no token for alerts');
      else if (silence === 'muted') decide(device, 'muted', 'the user wants no alerts');
      else if (silence === 'quiet') decide(device, 'quiet', 'in the quiet hours of the user');
      else sleepers.push({ device, activeAt: this.#isAlone ? undefined : this.options.devices.lastActiveOf(device) });
    }
    await (this.#isAlone ? this.#pushEach(sleepers, decide) : this.#pushTo(sleepers, decide));
    if (results.length < 2) return results;
    return this.asked.flatMap(({ id }) => results.find(({ device }) => device === id) ?? []);
  }

  /** The user has no other device that might have the notification instead. */
  get #isAlone(): boolean {
    return this.all.length === 1;
  }

  /** First those that nobody stands in for; the others only if none of those has it. */
  async #pushTo(sleepers: readonly Sleeper[], decide: (device: Device, ...told: Told) => void): Promise<void> {
    const covered = sleepers.filter((sleeper) => this.#standIn(sleeper, sleepers) !== undefined);
    const first = sleepers.filter((sleeper) => !covered.includes(sleeper));
    const taken = await this.#pushEach(first, decide);
    if (taken || this.#someoneActive()) {
      for (const { device } of covered) decide(device, 'other-active', 'another device of the user is or was in use');
    } else await this.#pushEach(covered, decide);
  }

  async #pushEach(sleepers: readonly Sleeper[], decide: (device: Device, ...told: Told) => void): Promise<boolean> {
    const [only] = sleepers;
    const told =
      only !== undefined && sleepers.length === 1
        ? [await this.#push(only)]
        : await Promise.all(sleepers.map((sleeper) => this.#push(sleeper)));
    for (const [index, { device }] of sleepers.entries()) decide(device, ...(told[index] ?? ['failed', '']));
    return told.some(([outcome]) => outcome === 'pushed');
  }

  async #push({ device }: Sleeper): Promise<Told> {
    const { pushes, settings } = this.options;
    const { patience = PATIENCE, stillWanted, badgeOf } = this.wanted;
    const { expiresAt = Number.POSITIVE_INFINITY } = this.notification;
    const { payload, collapseId, priority } = alertOf(factsOf(this.notification, this.#now, badgeOf?.(device.id)));
    const outcome = await pushes.push('alert', {
      device,
      payload,
      collapseId,
      priority,
      deadline: Math.min(this.#now + patience, expiresAt),
      expiresAt: Math.min(this.#now + Math.max(settings.keep, patience), expiresAt),
      stillWanted: stillWanted && (() => stillWanted(device.id)),
    });
    switch (outcome.kind) {
      case 'accepted':
        return ['pushed', 'Apple took it'];
      case 'withdrawn':
        return ['active', 'delivered meanwhile'];
      case 'refused':
        return [outcome.token === 'keep' ? 'failed' : 'unreachable', `${outcome.status} ${outcome.reason}`];
      case 'unreachable':
        return ['failed', outcome.reason];
    }
  }

  /**
   * Another device that has the notification instead: it is active, or it was in use within the time and later than this one and
   * can be pushed to. So the one that was in use last never goes without.
   */
  #standIn({ device, activeAt }: Sleeper, sleepers: readonly Sleeper[]): Device | undefined {
    const { otherActive } = this.options.settings;
    if (otherActive === 0) return undefined;
    const active = this.all.find((other) => other.id !== device.id && this.#has(other));
    if (active !== undefined) return active;
    const rank = (at: number | undefined): number => at ?? 0;
    return sleepers.find(
      (other) =>
        other.device.id !== device.id &&
        this.#now - rank(other.activeAt) <= otherActive &&
        (rank(other.activeAt) > rank(activeAt) ||
          (rank(other.activeAt) === rank(activeAt) && other.device.id < device.id)),
    )?.device;
  }

  #someoneActive(): boolean {
    return this.options.settings.otherActive > 0 && this.all.some((device) => this.#has(device));
  }

  /** Somebody looks at it, and it has the notification. A phone that never sleeps tells nothing of its user. */
  #has(device: Device): boolean {
    if (this.options.devices.lastActiveOf(device) === undefined) return false;
    return this.wanted.delivered?.has(device.id) === true || this.#isActive(device);
  }

  #isActive(device: Device): boolean {
    return this.options.devices.notifiedStateOf(device).state === 'active';
  }
}

type Told = readonly [outcome: NotifyResult['outcome'], reason: string];
