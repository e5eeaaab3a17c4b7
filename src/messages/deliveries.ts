import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock, Timer } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import type { Device } from '../devices/types.js';
import { type Mailbox, ownerOf, queueOf, type Waiting } from './mailbox.js';
import type { SendResult } from './message.js';
import type { MessageDevices, MessagePort, MessageSettings, MessageSink } from './port.js';
import { Slots } from './slots.js';
import { NO_ANSWER, verdictOf, within } from './verdict.js';

export interface DeliveriesOptions {
  readonly clock: Clock;
  readonly mailbox: Mailbox;
  readonly devices: MessageDevices;
  readonly port: MessagePort;
  readonly settings: Pick<MessageSettings, 'answerWithin' | 'deliverAtOnce' | 'retryAfter' | 'maxRefusals'>;
  readonly sink: MessageSink;
  /** A message that nobody has been pushed for could not be delivered after all. */
  readonly onMissed: (device: Device, waiting: Waiting) => void;
  /** A message is out of the queue. */
  readonly onGone: (queue: string, position: string) => void;
  readonly onFault: (error: unknown) => void;
}

/** What happens to one queue. */
interface Lane {
  /** A registration came, or a message was put, while it was at work. */
  again: boolean;
}

const READ_AHEAD = 16;
const LONGEST_RETRY = 15 * 60_000;
/** Queues that wait for another attempt without a registration. */
const MAX_RETRIES = 10_000;

/**
 * Hands stored messages to phones that are awake: each queue in its order, one message at a time, so that what a phone has got can be
 * told; so many queues at once, so that calls don't wait behind messages.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #slots: Slots;
  readonly #lanes = new Map<string, Lane>();
  /** Messages that the device said it has when they were in the queue already. */
  readonly #late = new LRUCache<string, true>({ max: 10_000 });
  readonly #retries = new Map<string, { timer: Timer; round: number }>();
  #closed = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#slots = new Slots(options.settings.deliverAtOnce);
  }

  /** Something is on its way to that device, or about to be. */
  isBusy(queue: string): boolean {
    return this.#lanes.has(queue);
  }

  /**
   * Keeps the queue to the caller until it calls what this gives; what is put there meanwhile is delivered after that. Undefined when something is under
   * way already.
   */
  occupy(queue: string): (() => void) | undefined {
    if (this.#lanes.has(queue)) return undefined;
    const lane: Lane = { again: false };
    this.#lanes.set(queue, lane);
    return () => this.#leave(queue, lane);
  }

  /** Delivers what waits there, if its device is awake. */
  wake(queue: string): void {
    if (this.#closed) return;
    const lane = this.#lanes.get(queue);
    if (lane !== undefined) {
      lane.again = true;
      return;
    }
    const mine: Lane = { again: false };
    this.#lanes.set(queue, mine);
    void this.#work(queue).finally(() => this.#leave(queue, mine));
  }

  /** Delivers what waits for any device that is awake: after a start, or a new connection to the engine. */
  async wakeAll(): Promise<void> {
    let count = 0;
    for await (const queue of this.#options.mailbox.queues()) {
      if (this.#closed) return;
      this.wake(queue);
      if (++count % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Buries what has been kept too long at the head of each queue. */
  async sweep(): Promise<void> {
    const { mailbox, clock } = this.#options;
    let count = 0;
    for await (const queue of mailbox.queues()) {
      if (this.#closed) return;
      if (++count % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      const leave = this.occupy(queue);
      if (leave === undefined) continue;
      try {
        for (const entry of await mailbox.first(queue, READ_AHEAD)) {
          if (entry.message.keptUntil > clock.now()) break;
          await this.#bury(queue, entry, 'kept too long');
        }
      } finally {
        leave();
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#retries.values()) timer.cancel();
    this.#retries.clear();
  }

  #leave(queue: string, lane: Lane): void {
    this.#lanes.delete(queue);
    if (lane.again) this.wake(queue);
  }

  async #work(queue: string): Promise<void> {
    const { mailbox, onFault } = this.#options;
    const round = this.#retries.get(queue)?.round ?? 0;
    this.#forgetRetry(queue);
    try {
      if ((await mailbox.isEmpty(queue)) || (await this.#awake(queue)) === undefined) return;
      await this.#slots.take();
      const left = await this.#empty(queue).finally(() => this.#slots.release());
      if (left) this.#retryLater(queue, round + 1);
    } catch (error) {
      onFault(error);
      this.#retryLater(queue, round + 1);
    }
  }

  /** True: something is left, and the device is awake. */
  async #empty(queue: string): Promise<boolean> {
    let removing: Promise<void> = Promise.resolve();
    try {
      for (;;) {
        const waiting = await this.#options.mailbox.first(queue, READ_AHEAD);
        if (waiting.length === 0) return false;
        for (const entry of waiting) {
          if (this.#closed) return false;
          const next = await this.#handOver(queue, entry);
          if (typeof next === 'boolean') return next;
          await removing;
          removing = next.gone;
        }
        await removing;
      }
    } finally {
      await removing;
    }
  }

  /** Gives when the message is out of the queue; or, if it stays there, whether the device is awake. */
  async #handOver(queue: string, entry: Waiting): Promise<{ gone: Promise<void> } | boolean> {
    const { clock } = this.#options;
    if (this.#late.delete(keyOf(queue, entry.position))) return { gone: this.#remove(queue, entry) };
    if (entry.message.keptUntil <= clock.now()) return { gone: this.#bury(queue, entry, 'kept too long') };
    const device = await this.#awake(queue);
    if (device === undefined) return false;
    const result = await this.#send(device, queue, entry);
    const why = `${result.status} ${result.reason}`;
    switch (verdictOf(result)) {
      case 'delivered':
        return { gone: this.#remove(queue, entry) };
      case 'refused':
        return { gone: this.#bury(queue, entry, why) };
      case 'later':
        return (await this.#givenUp(queue, entry)) ? { gone: this.#bury(queue, entry, why) } : true;
      case 'not-reached':
        await this.#missed(device, queue, entry, why);
        return (await this.#awake(queue)) !== undefined;
    }
  }

  /** The device as it is now, if it is awake. */
  async #awake(queue: string): Promise<Device | undefined> {
    const owner = ownerOf(queue);
    if (owner === undefined) return undefined;
    const { devices } = this.#options;
    const device = (await devices.devicesOf(owner.aor)).find(({ id }) => id === owner.deviceId);
    return device !== undefined && devices.notifiedStateOf(device).state === 'active' ? device : undefined;
  }

  async #send(device: Device, queue: string, { position, message }: Waiting): Promise<SendResult> {
    const { clock, port, sink, settings } = this.#options;
    const binding = bestBinding(device.bindings);
    if (binding === undefined) return NO_ANSWER;
    const { receivedAt } = message;
    const attempt = 2 + Math.floor((clock.now() - receivedAt) / 1000);
    const sent = port.send({ message, device, binding, callId: callIdOf(queue, position), attempt, receivedAt });
    const result = await within(clock, settings.answerWithin, sent, (late) => this.noteLate(queue, position, late));
    sink('message-sent', { aor: device.aor, device: device.id, status: result.status, from: 'queue' });
    return result;
  }

  /** An answer that came when the message was in the queue already: if the device has it, it goes out of there. */
  noteLate(queue: string, position: string, late: SendResult): void {
    if (verdictOf(late) !== 'delivered') return;
    this.#late.set(keyOf(queue, position), true);
    this.wake(queue);
  }

  async #missed(device: Device, queue: string, entry: Waiting, why: string): Promise<void> {
    const { devices, mailbox, onMissed } = this.#options;
    await devices.noteAsleep(device.aor, device.id, `MESSAGE: ${why}`);
    if (entry.message.push !== 'if-missed') return;
    await mailbox.replace(queue, { ...entry, message: { ...entry.message, push: 'now' } });
    onMissed(device, entry);
  }

  /** Counts one more refusal. True: it was one too many. */
  async #givenUp(queue: string, entry: Waiting): Promise<boolean> {
    const { mailbox, settings } = this.#options;
    const refusals = (entry.message.refusals ?? 0) + 1;
    if (refusals > settings.maxRefusals) return true;
    await mailbox.replace(queue, { ...entry, message: { ...entry.message, refusals } });
    return false;
  }

  #remove(queue: string, entry: Waiting): Promise<void> {
    this.#options.onGone(queue, entry.position);
    return this.#options.mailbox.remove(queue, entry);
  }

  async #bury(queue: string, entry: Waiting, reason: string): Promise<void> {
    const owner = ownerOf(queue);
    const { mailbox, sink, onGone } = this.#options;
    onGone(queue, entry.position);
    await mailbox.bury(queue, entry, reason);
    sink('message-dead', { aor: owner?.aor, device: owner?.deviceId, reason });
  }

  #retryLater(queue: string, round: number): void {
    if (this.#closed || this.#retries.has(queue) || this.#retries.size >= MAX_RETRIES) return;
    const { clock, settings } = this.#options;
    const delay = Math.min(settings.retryAfter * 2 ** (round - 1), LONGEST_RETRY);
    const entry = {
      round,
      timer: clock.setTimeout(() => this.wake(queue), delay),
    };
    this.#retries.set(queue, entry);
  }

  #forgetRetry(queue: string): void {
    this.#retries.get(queue)?.timer.cancel();
    this.#retries.delete(queue);
  }
}

/** The Call-ID under which a message goes to a device, however often. */
export function callIdOf(queue: string, position: string): string {
  return createHash('sha256').update(`${queue}\n${position}`).digest('hex').slice(0, 40);
}

/** The queue of a device. */
export function queueOfDevice({ aor, id }: Device): string {
  return queueOf(aor, id);
}

function keyOf(queue: string, position: string): string {
  return `${queue}\n${position}`;
}
