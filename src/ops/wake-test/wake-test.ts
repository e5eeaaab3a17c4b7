import { randomUUID } from 'node:crypto';
import type { PhoneAnswer, PhoneProbe } from '../../calls/phone-probe.js';
import type { Clock } from '../../clock/clock.js';
import type { Binding, Device } from '../../devices/types.js';
import type { PushOutcome } from '../../push/provider.js';
import type { TestedDevices, WakeMode, WakePush, WakeReport, WakeStep, WakeStepName } from './types.js';
import { answerInWords, outcomeInWords, verdictOf } from './words.js';

export interface WakeTestOptions {
  readonly clock: Clock;
  readonly devices: TestedDevices;
  readonly push: WakePush;
  readonly probe: PhoneProbe;
  /** How a phone is woken without being asked for another way. */
  readonly modeOf: (device: Device) => WakeMode;
  /** How long a REGISTER is waited for, in milliseconds: as long as a call would be held. */
  readonly patience: number;
  /** Told how each test ended. */
  readonly onReport?: (report: WakeReport) => void;
}

export interface WakeRun {
  readonly mode?: WakeMode;
  /** Told of each step as it ends. */
  readonly onStep?: (step: WakeStep) => void;
}

/** No test now: one of this phone runs already, or too many of others. */
export class WakeTestBusy extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'WakeTestBusy';
  }
}

const MAX_RUNNING = 20;

interface Waiting {
  readonly since: number;
  readonly came: (device: Device, binding: Binding) => void;
}

/** Wakes a phone as a call would and looks at each step: push, REGISTER, an answer of the phone. At most one test of a phone at a time. */
export class WakeTests {
  readonly #options: WakeTestOptions;
  readonly #running = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: WakeTestOptions) {
    this.#options = options;
  }

  /** Devices that have just registered. */
  registered(devices: readonly Device[]): void {
    for (const device of devices) {
      const waiting = this.#waiting.get(keyOf(device));
      const binding = newest(device.bindings.filter(({ registeredAt }) => registeredAt >= (waiting?.since ?? 0)));
      if (waiting && binding) waiting.came(device, binding);
    }
  }

  /**
   * Tests one device of an AOR; undefined when there is none of that id.
   * @throws {WakeTestBusy} when a test of it runs, or 20 of others
   */
  async run(aor: string, deviceId: string, { mode, onStep }: WakeRun = {}): Promise<WakeReport | undefined> {
    const device = (await this.#options.devices.devicesOf(aor)).find(({ id }) => id === deviceId);
    if (device === undefined) return undefined;
    const key = keyOf(device);
    if (this.#running.has(key)) throw new WakeTestBusy('a wake test of this phone runs already');
    if (this.#running.size >= MAX_RUNNING) throw new WakeTestBusy(`${MAX_RUNNING} wake tests run already`);
    this.#running.add(key);
    try {
      const report = await this.#test(device, mode ?? this.#options.modeOf(device), onStep ?? (() => {}));
      this.#options.onReport?.(report);
      return report;
    } finally {
      this.#running.delete(key);
    }
  }

  async #test(device: Device, mode: WakeMode, onStep: (step: WakeStep) => void): Promise<WakeReport> {
    const { clock, devices, patience, probe } = this.#options;
    const start = clock.monotonic();
    let last = 0;
    const steps: WakeStep[] = [];
    const step = (name: WakeStepName, ok: boolean, text: string): boolean => {
      const ms = Math.round(clock.monotonic() - start);
      const entry = { step: name, ok, ms, took: ms - last, text };
      last = ms;
      steps.push(entry);
      onStep(entry);
      return ok;
    };
    const report = (): WakeReport => {
      const woken = steps.every(({ ok }) => ok);
      return { aor: device.aor, deviceId: device.id, mode, woken, steps, verdict: verdictOf(steps, mode) };
    };

    const { state, reason } = devices.stateOf(device);
    const current = newest(device.bindings);
    if (state === 'active' && current !== undefined) {
      step('device', true, `awake already (${reason}): no push is needed`);
      this.#answered(step, 'options', await probe.options(device, current));
      return report();
    }
    step('device', true, `${state} (${reason}), ${device.platform}`);

    const callUuid = randomUUID().toUpperCase();
    const deadline = clock.now() + patience;
    const came = this.#register(device, patience);
    const outcome = await this.#push(mode, device, callUuid, deadline, came);
    if (!step('push', outcome === 'registered' || outcome.kind === 'accepted', outcomeInWords(outcome, mode))) {
      came.giveUp();
      return report();
    }
    const back = await came.promise;
    if (back === undefined) {
      step('register', false, `no REGISTER within ${patience / 1000} s`);
      return report();
    }
    step(
      'register',
      true,
      `registered over ${back.binding.source}${back.binding.path.length > 0 ? ', by way of an edge (Path)' : ''}`,
    );
    if (!this.#answered(step, 'options', await probe.options(back.device, back.binding)) || mode === 'silent')
      return report();
    const rung = await probe.ringBriefly(back.device, back.binding, callUuid);
    step('call', isPhones(rung) && rung.status < 300, answerInWords('INVITE', rung));
    return report();
  }

  #answered(
    step: (name: WakeStepName, ok: boolean, text: string) => boolean,
    name: WakeStepName,
    answer: PhoneAnswer,
  ): boolean {
    return step(name, isPhones(answer), answerInWords('OPTIONS', answer));
  }

  /** A phone may be back before Apple's answer is. */
  #push(
    mode: WakeMode,
    device: Device,
    callUuid: string,
    deadline: number,
    came: { readonly promise: Promise<unknown> },
  ): Promise<PushOutcome | 'registered'> {
    const outcome = this.#options.push({ mode, device, callUuid, deadline });
    const back = came.promise.then<PushOutcome | 'registered'>((found) =>
      found === undefined ? outcome : 'registered',
    );
    return Promise.race([outcome, back]);
  }

  #register(device: Device, patience: number) {
    const { clock } = this.#options;
    const key = keyOf(device);
    const { promise, resolve } = withResolver<{ device: Device; binding: Binding } | undefined>();
    const end = (back?: { device: Device; binding: Binding }): void => {
      timer.cancel();
      this.#waiting.delete(key);
      resolve(back);
    };
    const timer = clock.setTimeout(() => end(), patience);
    this.#waiting.set(key, { since: clock.now(), came: (back, binding) => end({ device: back, binding }) });
    return { promise, giveUp: () => end() };
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((take) => {
    resolve = take;
  });
  return { promise, resolve };
}

/** What an edge answers for a phone that it can't reach. */
const NOT_THE_PHONE: ReadonlySet<number> = new Set([404, 408, 410, 430, 480, 500, 502, 503, 504]);

function isPhones({ status, local }: PhoneAnswer): boolean {
  return !local && !NOT_THE_PHONE.has(status);
}

function keyOf({ aor, id }: Device): string {
  return `${aor} ${id}`;
}

function newest(bindings: readonly Binding[]): Binding | undefined {
  return bindings.reduce<Binding | undefined>(
    (best, binding) => (best === undefined || binding.registeredAt > best.registeredAt ? binding : best),
    undefined,
  );
}
