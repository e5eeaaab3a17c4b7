import type { Clock } from '../clock/clock.js';
import { changeDevices, type DeviceChange, type Store } from '../store/store.js';
import { refuse } from './answer.js';
import { RegisterError } from './errors.js';
import { type Provision, provisionDevice } from './provision.js';
import { type RefreshDue, RefreshWishes } from './refresh.js';
import { applyRegister, type RegisterContext } from './register.js';
import { nextExpiry, withoutExpired } from './retention.js';
import { Serial } from './serial.js';
import { type DeviceSettings, deviceSettings } from './settings.js';
import { lastActiveAt, notifiedStateAt, stateAt } from './state.js';
import { Sweeper } from './sweeper.js';
import { judgeTokens, type TokenEnded, type Verdict } from './tokens.js';
import type { Device, PushToken, RegisterAnswer, RegisterRequest, StateOf } from './types.js';

/** Where the registry reports what an operator should know. */
export interface RegistryLog {
  info(message: string, meta?: Record<string, unknown>): void;
  warn(message: string, meta?: Record<string, unknown>): void;
}

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly settings?: Partial<DeviceSettings>;
  readonly log?: RegistryLog;
  /** From 0 (inclusive) to 1 (exclusive); for the jitter of expiries. */
  readonly random?: () => number;
  /**
   * A call waits for this device. Then, with `ringBeforeStored`, the answer to its REGISTER does not wait for the disk, if its tokens
   * were stored before: should the power fail in that moment, the device is one that has to be pushed again, and nothing else is
   * lost. Nobody is awaited by default.
   */
  readonly isAwaited?: (device: Device) => boolean;
}

/** Knows the phones: their bindings, tokens and states. All of it is in the store; work on one AOR is done in order. */
export class DeviceRegistry {
  readonly settings: DeviceSettings;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: RegistryLog | undefined;
  readonly #random: () => number;
  readonly #isAwaited: (device: Device) => boolean;
  readonly #serial: Serial;
  readonly #listeners = new Set<(device: Device) => void>();
  readonly #refreshListeners = new Set<(due: RefreshDue) => void>();
  readonly #storedListeners = new Set<(aor: string) => void>();
  readonly #endListeners = new Set<(ended: TokenEnded) => void>();
  readonly #wishes: RefreshWishes;
  readonly #sweeper: Sweeper;
  #started = false;

  constructor({ store, clock, settings, log, random = Math.random, isAwaited = () => false }: RegistryOptions) {
    this.settings = deviceSettings(settings);
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#random = random;
    this.#isAwaited = isAwaited;
    this.#serial = new Serial(this.settings.maxQueuedPerAor);
    this.#wishes = new RefreshWishes(this.settings, clock);
    this.#sweeper = new Sweeper({
      clock,
      interval: this.settings.sweepInterval,
      sweep: (aor) => this.#sweep(aor),
      page: (after, limit) => this.#page(after, limit),
      hurried: this.settings.refreshPushes,
    });
  }

  /**
   * Begins to clear away what runs out and to tell of refreshes that are due. Without it nothing is wrong, as what has run
   * out is passed over when read; it only stays in the store.
   */
  start(): Promise<void> {
    this.#started = true;
    return this.#sweeper.start();
  }

  /**
   * Takes a REGISTER as the registrar of its AOR. The answer is given when everything is in the store, but for `isAwaited`; 500 when the
   * store fails, 503 when too many REGISTERs of the AOR wait already. Never rejects.
   */
  register(request: RegisterRequest): Promise<RegisterAnswer> {
    return this.#register(request);
  }

  /**
   * Takes a REGISTER that another registrar has accepted; `granted` gives the seconds that it granted to a Contact, 0 for one
   * that it doesn't list. As {@link register} otherwise.
   */
  registerAsGranted(
    request: RegisterRequest,
    granted: NonNullable<RegisterContext['granted']>,
  ): Promise<RegisterAnswer> {
    return this.#register(request, granted);
  }

  /**
   * Makes or changes a device by hand, for phones that don't tell their token in a REGISTER. Gives it as stored; undefined
   * when it is new and the AOR has as many devices as it may (`maxContacts`).
   */
  provision(aor: string, provision: Provision): Promise<Device | undefined> {
    return this.#change(aor, (stored) => {
      const now = this.#clock.now();
      const known = withoutExpired(stored, now, this.settings);
      const { devices, device } = provisionDevice(aor, known, provision, now);
      if (devices.length > Math.max(known.length, this.settings.maxContacts)) return { result: undefined };
      return { devices, result: device };
    });
  }

  /** Forgets a device with its bindings and tokens. Gives false when there was none. */
  forget(aor: string, deviceId: string): Promise<boolean> {
    return this.#change(aor, (devices) => {
      const left = devices.filter(({ id }) => id !== deviceId);
      return left.length === devices.length ? { result: false } : { devices: left, result: true };
    });
  }

  /** Forgets a device's push token of that kind until the phone names one again. Gives false when it had none. */
  async forgetToken(aor: string, deviceId: string, kind: PushToken['kind']): Promise<boolean> {
    let had = false;
    await this.#update(aor, deviceId, (device) => {
      had = device.tokens.some((token) => token.kind === kind);
      return had ? { ...device, tokens: device.tokens.filter((token) => token.kind !== kind) } : device;
    });
    return had;
  }

  /** Forgets a device's bindings, as if the phone had unregistered, and keeps its tokens. Gives false when it had none. */
  async forgetBindings(aor: string, deviceId: string): Promise<boolean> {
    let had = false;
    await this.#update(aor, deviceId, (device) => {
      had = device.bindings.length > 0;
      return had ? { ...device, bindings: [] } : device;
    });
    return had;
  }

  /** Forgets all devices of an AOR. Gives false when there were none. */
  forgetAll(aor: string): Promise<boolean> {
    return this.#change(aor, (devices) => (devices.length === 0 ? { result: false } : { devices: [], result: true }));
  }

  /** The devices of an AOR with what has not run out, after all that was to be changed when it was asked. */
  devicesOf(aor: string): Promise<readonly Device[]> {
    const settled = this.#serial.settled(aor);
    if (settled !== undefined) return settled.then(() => this.#live(this.#store.devicesOf(aor)));
    try {
      return Promise.resolve(this.#live(this.#store.devicesOf(aor)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The state of a device now, with its reason. */
  stateOf(device: Device): StateOf {
    return stateAt(device, this.#clock.now(), this.settings);
  }

  /** Its state now for what can wait: messages, invitations (see {@link notifiedStateAt}). */
  notifiedStateOf(device: Device): StateOf {
    return notifiedStateAt(device, this.#clock.now(), this.settings);
  }

  /** When it was in use last, epoch milliseconds, now if it is; undefined when nobody knows. */
  lastActiveOf(device: Device): number | undefined {
    return lastActiveAt(device, this.#clock.now(), this.settings);
  }

  /** Whether anything is known of the AOR: a device that is registered or can be woken. */
  async knownAor(aor: string): Promise<boolean> {
    return (await this.devicesOf(aor)).length > 0;
  }

  /** A call saw no sign of life of the device, or its flow closed. Its next REGISTER takes that back. */
  async noteAsleep(aor: string, deviceId: string, reason: string): Promise<void> {
    const at = this.#clock.now();
    let changed: Device | undefined;
    await this.#update(aor, deviceId, (device) => {
      changed = device.asleep?.reason === reason ? undefined : { ...device, asleep: { reason, at } };
      return changed ?? device;
    });
    this.#logState(changed);
  }

  /** The device showed a sign of life after all. */
  async noteAwake(aor: string, deviceId: string): Promise<void> {
    let changed: Device | undefined;
    await this.#update(aor, deviceId, (device) => {
      const { asleep, ...awake } = device;
      changed = asleep === undefined ? undefined : awake;
      return changed ?? device;
    });
    this.#logState(changed);
  }

  /** Takes in what a push told about a token of a device. */
  async tokenVerdict(aor: string, deviceId: string, told: Verdict): Promise<void> {
    let ended: TokenEnded | undefined;
    await this.#update(aor, deviceId, (device) => {
      const tokens = judgeTokens(device, told);
      if (tokens === device.tokens) return device;
      const token = device.tokens.find((known) => known.token === told.token);
      if (token !== undefined && tokens.length < device.tokens.length) ended = { device, token, told };
      return { ...device, tokens };
    });
    if (ended !== undefined) this.#tell(this.#endListeners, ended);
  }

  /** Calls `listener` for each device that a REGISTER has (re-)registered, when it is stored. Gives the way to stop that. */
  onRegistered(listener: (device: Device) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Calls `listener` when a binding ends soon and the phone should be pushed to refresh it (RFC 8599 section 5.5; only with
   * `refreshPushes`). Gives the way to stop that.
   */
  onRefreshDue(listener: (due: RefreshDue) => void): () => void {
    this.#refreshListeners.add(listener);
    return () => void this.#refreshListeners.delete(listener);
  }

  /** Calls `listener` with each AOR whose devices have changed, when that is stored. Gives the way to stop that. */
  onStored(listener: (aor: string) => void): () => void {
    this.#storedListeners.add(listener);
    return () => void this.#storedListeners.delete(listener);
  }

  /** Calls `listener` when a push service's answer has ended a token. Gives the way to stop that. */
  onTokenEnded(listener: (ended: TokenEnded) => void): () => void {
    this.#endListeners.add(listener);
    return () => void this.#endListeners.delete(listener);
  }

  /** Ends the sweeping and waits for the work under way. The store stays open. */
  async close(): Promise<void> {
    await this.#sweeper.stop();
    await this.#serial.idle();
    this.#listeners.clear();
    this.#refreshListeners.clear();
    this.#endListeners.clear();
  }

  async #register(request: RegisterRequest, granted?: RegisterContext['granted']): Promise<RegisterAnswer> {
    const { aor } = request;
    if (!this.#serial.hasRoom(aor)) return refuse(new RegisterError(503, 'Busy', QUEUE_FULL));
    try {
      const answer = await this.#answered(request, granted);
      for (const device of answer.registered) this.#tell(this.#listeners, device);
      return answer;
    } catch (error) {
      if (error instanceof RegisterError) return refuse(error);
      this.#log?.warn('REGISTER failed', { aor, error: String(error) });
      return refuse(new RegisterError(500, 'Registration could not be stored'));
    }
  }

  /** Gives the answer when it may leave: when what it says is stored, or before that for who may hurry. */
  #answered(request: RegisterRequest, granted: RegisterContext['granted']): Promise<RegisterAnswer> {
    const { aor } = request;
    return new Promise((resolve, reject) => {
      let early = false;
      const stored = this.#change(aor, (known) => {
        const context = { now: this.#clock.now(), settings: this.settings, random: this.#random() };
        const { changed, devices, answer } = applyRegister(request, known, granted ? { ...context, granted } : context);
        if (!changed) return { result: answer };
        early = this.#mayHurry(answer, known);
        if (!early) return { devices, result: answer };
        resolve(answer);
        return { devices, result: answer, after: turn() };
      });
      stored.then(resolve, (error: unknown) => {
        if (!early) return reject(error);
        this.#log?.warn('A registration that was answered could not be stored', { aor, error: String(error) });
      });
    });
  }

  #live(found: readonly Device[] | Promise<readonly Device[]>): readonly Device[] | Promise<readonly Device[]> {
    if (found instanceof Promise) return found.then((devices) => this.#live(devices));
    return withoutExpired(found, this.#clock.now(), this.settings);
  }

  #logState(device: Device | undefined): void {
    if (device === undefined) return;
    const { aor, id } = device;
    this.#log?.info('device state', { aor, device: id, ...this.stateOf(device) });
  }

  #mayHurry({ registered }: RegisterAnswer, known: readonly Device[]): boolean {
    // What several processes share may turn out to be other than it was known here.
    if (this.#store.changeDevices !== undefined) return false;
    const isStored = ({ id, tokens }: Device): boolean => {
      const before = known.find((device) => device.id === id);
      return before !== undefined && tokens.every(({ token }) => before.tokens.some((other) => other.token === token));
    };
    return this.settings.ringBeforeStored && registered.some(this.#isAwaited) && registered.every(isStored);
  }

  #tell<T>(listeners: ReadonlySet<(told: T) => void>, told: T): void {
    for (const listener of listeners) {
      try {
        listener(told);
      } catch (error) {
        this.#log?.warn('A listener of the registry failed', { error: String(error) });
      }
    }
  }

  /** Changes the devices of an AOR when all earlier changes of this process are made. `change` may be asked more than once. */
  #change<T>(aor: string, change: (known: readonly Device[]) => DeviceChange<T>): Promise<T> {
    return this.#serial.run(aor, async () => {
      let made: readonly Device[] | undefined;
      const result = await changeDevices(this.#store, aor, (known) => {
        const wanted = change(known);
        made = wanted.devices;
        return wanted;
      });
      if (made === undefined) return result;
      this.#tell(this.#storedListeners, aor);
      this.#wishes.changed(aor, made);
      if (this.#started) this.#schedule(aor, made);
      return result;
    });
  }

  #schedule(aor: string, devices: readonly Device[]): void {
    this.#sweeper.schedule(aor, this.#nextLook(devices));
  }

  #nextLook(devices: readonly Device[]): number | undefined {
    const expiry = nextExpiry(devices, this.settings);
    if (!this.settings.refreshPushes || expiry === undefined) return expiry;
    return Math.min(expiry, this.#wishes.next(devices, this.#clock.now()) ?? expiry);
  }

  async #page(after: string, limit: number): Promise<readonly (readonly [string, number | undefined])[]> {
    try {
      const page = await this.#store.devicesAfter(after, limit);
      return page.map(([aor, devices]) => [aor, this.#nextLook(devices)] as const);
    } catch (error) {
      this.#log?.warn('Looking for old registrations failed', { error: String(error) });
      return [];
    }
  }

  /** Clears away what has run out of an AOR and asks for refreshes. Gives when to look again. */
  #sweep(aor: string): Promise<number | undefined> {
    const sweeping = this.#serial.run(aor, async () => {
      const now = this.#clock.now();
      let changed = false;
      const left = await changeDevices(this.#store, aor, (known) => {
        const result = withoutExpired(known, now, this.settings);
        changed = result !== known;
        return changed ? { devices: result, result } : { result };
      });
      if (changed) this.#tell(this.#storedListeners, aor);
      this.#wishes.changed(aor, left);
      if (this.settings.refreshPushes) {
        for (const due of this.#wishes.take(aor, left, now)) this.#tell(this.#refreshListeners, due);
      }
      return this.#nextLook(left);
    });
    return sweeping.catch((error: unknown) => {
      this.#log?.warn('Clearing away old registrations failed', { aor, error: String(error) });
      return this.#clock.now() + this.settings.sweepInterval;
    });
  }

  #update(aor: string, deviceId: string, change: (device: Device) => Device): Promise<void> {
    return this.#change(aor, (devices) => {
      const before = devices.find(({ id }) => id === deviceId);
      const after = before && change(before);
      if (after === undefined || after === before) return { result: undefined };
      const left = devices.map((device) => (device === before ? after : device));
      return { devices: withoutExpired(left, this.#clock.now(), this.settings), result: undefined };
    });
  }
}

const QUEUE_FULL = [
  ['Retry-After', '1'],
  ['Warning', '399 callwake "too many REGISTERs of this address wait"'],
] as const;

/** The next turn of the event loop: what was said in this one has left. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
