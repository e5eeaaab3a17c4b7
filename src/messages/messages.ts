import { LRUCache } from 'lru-cache';
import type { Clock, Timer } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import type { Device, Writable } from '../devices/types.js';
import { Aftermath } from './aftermath.js';
import { callIdOf, Deliveries, queueOfDevice } from './deliveries.js';
import { type Mailbox, MailboxFull, ownerOf, type Waiting } from './mailbox.js';
import {
  type MessageUse,
  type PushDue,
  type SendResult,
  type StoredMessage,
  type TextMessage,
  textOf,
  useOf,
} from './message.js';
import type { Notifier, Sender } from './notification.js';
import type { MessageDevices, MessagePort, MessageSettings, MessageSink } from './port.js';
import { NO_ANSWER, verdictOf, within } from './verdict.js';

export interface MessagesOptions {
  readonly clock: Clock;
  readonly mailbox: Mailbox;
  readonly devices: MessageDevices;
  readonly port: MessagePort;
  readonly notifier: Notifier;
  readonly settings: MessageSettings;
  /** What else a user hasn't read, to be counted into badges. */
  readonly unreadOf: (aor: string) => Promise<number>;
  /** Who sent it, for people; nobody when he asked to stay unknown. */
  readonly senderOf: (message: TextMessage) => Sender;
  readonly sink: MessageSink;
  readonly onFault: (error: unknown) => void;
}

/** Whom a message is for: all devices of an AOR, or one of them. */
export interface Recipient {
  readonly aor: string;
  readonly deviceId?: string;
}

/** The answer to a MESSAGE. With `from` its header fields and body go along. */
export interface MessageAnswer {
  readonly status: number;
  readonly reason: string;
  readonly from?: SendResult;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** Where a message went at one device. */
type Fate =
  | { readonly kind: 'delivered'; readonly result: SendResult }
  | { readonly kind: 'stored'; readonly waiting: Waiting }
  | { readonly kind: 'refused'; readonly result: SendResult }
  | { readonly kind: 'full'; readonly bound: string };

interface Handed {
  readonly device: Device;
  readonly fate: Fate;
}

const ACCEPTED: MessageAnswer = { status: 202, reason: 'Accepted' };
const BUSY: MessageAnswer = { status: 503, reason: 'Service Unavailable', retryAfter: 10 };
/** Requests that are known when they come again: as long as a sender may try, with room for a burst. */
const REMEMBERED = 50_000;
const REMEMBER_FOR = 64_000;
const SWEEP_EVERY = 10 * 60_000;
/** How long undeliverable messages are kept for the operator. */
const DEAD_KEPT = 30 * 86_400_000;

/**
 * Messages for the users' devices: to a phone that is awake at once, its answer passed back; for one that sleeps they are stored, its
 * user is told by alert push, and they are delivered when it registers.
 */
export class Messages {
  readonly #options: MessagesOptions;
  readonly #deliveries: Deliveries;
  /** Answers by request: a request that comes again, over another connection or node of CUCM, gets the same. */
  readonly #answers: LRUCache<string, Promise<MessageAnswer>>;
  /** Stored messages whose push is under way. */
  readonly #pushing = new Set<string>();
  readonly #pushes: Aftermath;
  #pending = 0;
  #sweeping: Timer | undefined;
  #closed = false;

  constructor(options: MessagesOptions) {
    this.#options = options;
    this.#pushes = new Aftermath(options.clock);
    this.#answers = new LRUCache({
      max: REMEMBERED,
      ttl: REMEMBER_FOR,
      perf: { now: () => options.clock.monotonic() },
    });
    this.#deliveries = new Deliveries({
      ...options,
      onMissed: (device, { position, message }) => {
        this.#tellSoon(message, device.aor, [{ deviceId: device.id, queue: queueOfDevice(device), position }]);
      },
      onGone: (queue, position) => this.#pushing.delete(keyOf({ queue, position })),
    });
  }

  /** Takes a message. Settles when it is delivered or on disk, within `answerWithin` and what the disk takes. Never rejects. */
  receive(message: TextMessage, to: Recipient): Promise<MessageAnswer> {
    const { settings, onFault } = this.#options;
    if (Buffer.byteLength(message.body) > settings.maxSize) {
      return Promise.resolve({ status: 413, reason: 'Message Too Long' });
    }
    const key = `${message.id} ${to.aor} ${to.deviceId ?? ''}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    if (this.#pending >= settings.maxPending) return Promise.resolve(BUSY);
    this.#pending++;
    const answer = this.#receive(message, to)
      .catch((error: unknown): MessageAnswer => {
        onFault(error);
        return { status: 500, reason: 'Server Internal Error' };
      })
      .then((given) => {
        if (given.status >= 500) this.#answers.delete(key);
        return given;
      })
      .finally(() => {
        this.#pending--;
      });
    this.#answers.set(key, answer);
    return answer;
  }

  /** A device has registered: what waits for it is delivered if it is awake. */
  registered(device: Device): void {
    this.#deliveries.wake(queueOfDevice(device));
  }

  /** Takes up what a process before this one has left: its messages, and the pushes that it owed. Clears away what is kept too long from now on. */
  start(): void {
    const { mailbox, onFault } = this.#options;
    mailbox.start().catch(onFault);
    this.#tellLeft().catch(onFault);
    this.#sweepLater();
  }

  /** A node that shares the store is gone: its users are told what it still had to tell. */
  nodeGone(): void {
    if (!this.#closed) this.#tellLeft().catch(this.#options.onFault);
  }

  /** There is a way to send (again): what waits for phones that are awake is delivered. */
  connected(): void {
    this.#deliveries.wakeAll().catch(this.#options.onFault);
  }

  /** MESSAGEs that wait for their answer. */
  get pending(): number {
    return this.#pending;
  }

  close(): void {
    this.#closed = true;
    this.#sweeping?.cancel();
    this.#deliveries.close();
    this.#options.mailbox.owed.flush().catch(this.#options.onFault);
  }

  #sweepLater(): void {
    const { clock, mailbox, onFault } = this.#options;
    if (this.#closed) return;
    this.#sweeping = clock.setTimeout(() => {
      this.#answers.purgeStale();
      const done = Promise.all([this.#deliveries.sweep(), mailbox.dead.forget(clock.now() - DEAD_KEPT)]);
      void done.catch(onFault).finally(() => this.#sweepLater());
    }, SWEEP_EVERY);
  }

  async #receive(message: TextMessage, { aor, deviceId }: Recipient): Promise<MessageAnswer> {
    const { devices, sink, clock } = this.#options;
    const all = await devices.devicesOf(aor);
    const meant = deviceId === undefined ? all : all.filter(({ id }) => id === deviceId);
    if (meant.length === 0) return { status: 404, reason: 'Not Found' };
    const use = useOf(message);
    const started = clock.monotonic();
    if (use === 'composing') return this.#relayOnly(message, meant);
    const fates = await this.#handToEach(message, use, meant);
    const stored: Stored[] = [];
    const delivered: string[] = [];
    for (const { device, fate } of fates) {
      const { id } = device;
      const ms = Math.round(clock.monotonic() - started);
      const told = { aor, device: id, use, ms };
      sink(`message-${fate.kind}`, 'result' in fate ? { ...told, status: fate.result.status } : told);
      if (fate.kind === 'delivered') delivered.push(id);
      if (fate.kind !== 'stored' || fate.waiting.message.push !== 'now') continue;
      stored.push({ deviceId: id, queue: queueOfDevice(device), position: fate.waiting.position });
    }
    if (use === 'text') this.#tellSoon(message, aor, stored, delivered.length === 0 ? NOBODY : new Set(delivered));
    return answerOf(fates.map(({ fate }) => fate));
  }

  /** What became of it at each device, but for those where the store failed. @throws what the store throws, when it failed for all */
  async #handToEach(message: TextMessage, use: MessageUse, meant: readonly Device[]): Promise<readonly Handed[]> {
    const [only] = meant;
    if (only !== undefined && meant.length === 1) {
      return [{ device: only, fate: await this.#handTo(message, use, only) }];
    }
    const settled = await Promise.allSettled(
      meant.map(async (device) => ({ device, fate: await this.#handTo(message, use, device) })),
    );
    const fates = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    const failed = settled.find((result) => result.status === 'rejected');
    if (fates.length === 0 && failed !== undefined) throw failed.reason;
    return fates;
  }

  /** At once if the phone is awake and nothing is before it; otherwise, or if that fails, into its queue. */
  async #handTo(message: TextMessage, use: MessageUse, device: Device): Promise<Fate> {
    const { devices, mailbox } = this.#options;
    const queue = queueOfDevice(device);
    const position = mailbox.position();
    const awake = devices.notifiedStateOf(device).state === 'active';
    const leave = awake ? this.#deliveries.occupy(queue) : undefined;
    if (leave === undefined) {
      if (!awake) return this.#store(message, use, queue, position, 'now');
      const fate = await this.#store(message, use, queue, position, 'if-missed');
      this.#deliveries.wake(queue);
      return fate;
    }
    try {
      if (!(await mailbox.isEmpty(queue))) return await this.#store(message, use, queue, position, 'if-missed');
      const result = await this.#send(message, device, position, (late) =>
        this.#deliveries.noteLate(queue, position, late),
      );
      switch (verdictOf(result)) {
        case 'delivered':
          return { kind: 'delivered', result };
        case 'not-reached':
          await devices.noteAsleep(device.aor, device.id, `MESSAGE: ${result.status} ${result.reason}`);
          return await this.#store(message, use, queue, position, 'now');
        default:
          return { kind: 'refused', result };
      }
    } finally {
      leave();
      this.#deliveries.wake(queue);
    }
  }

  #send(
    message: TextMessage,
    device: Device,
    position: string,
    onLate: (late: SendResult) => void,
  ): Promise<SendResult> {
    const { clock, port, settings } = this.#options;
    const binding = bestBinding(device.bindings);
    if (binding === undefined) return Promise.resolve(NO_ANSWER);
    const callId = callIdOf(queueOfDevice(device), position);
    const sent = port.send({ message, device, binding, callId, attempt: 1, receivedAt: clock.now() });
    return within(clock, settings.answerWithin, sent, onLate);
  }

  async #store(message: TextMessage, use: MessageUse, queue: string, position: string, push: PushDue): Promise<Fate> {
    const { clock, settings, mailbox } = this.#options;
    const { id, from, to, headers, body, contentType, maxForwards, expires } = message;
    const receivedAt = clock.now();
    const keptUntil = receivedAt + Math.min(settings.retention, expires ?? settings.retention);
    const due = use === 'text' ? push : 'never';
    const stored: Writable<StoredMessage> = {
      v: 1,
      id,
      from,
      to,
      headers,
      body,
      contentType,
      maxForwards,
      receivedAt,
      keptUntil,
      push: due,
    };
    if (expires !== undefined) stored.expires = expires;
    try {
      await mailbox.put(queue, position, stored);
      return { kind: 'stored', waiting: { position, message: stored } };
    } catch (error) {
      if (error instanceof MailboxFull) return { kind: 'full', bound: error.bound };
      throw error;
    }
  }

  /** Composing indications: worth something now or never. */
  async #relayOnly(message: TextMessage, meant: readonly Device[]): Promise<MessageAnswer> {
    const { devices, mailbox } = this.#options;
    const awake = meant.filter((device) => devices.notifiedStateOf(device).state === 'active');
    const results = await Promise.all(awake.map((device) => this.#send(message, device, mailbox.position(), () => {})));
    const taken = results.find((result) => verdictOf(result) === 'delivered');
    return taken === undefined ? ACCEPTED : { status: taken.status, reason: taken.reason, from: taken };
  }

  /** Tells the users of phones that sleep, after those who wait for an answer have theirs. */
  #tellSoon(
    message: TextMessage,
    aor: string,
    stored: readonly Stored[],
    delivered: ReadonlySet<string> = NOBODY,
  ): void {
    if (stored.length === 0) return;
    for (const entry of stored) this.#pushing.add(keyOf(entry));
    this.#pushes.add(() => void this.#tell(message, aor, stored, delivered));
  }

  /** Pushes to the devices where it is stored, unless it goes out of there before; `stored` must be in `#pushing`. */
  async #tell(
    message: TextMessage,
    aor: string,
    stored: readonly Stored[],
    delivered: ReadonlySet<string>,
  ): Promise<void> {
    const { notifier, mailbox, senderOf, unreadOf, onFault, clock } = this.#options;
    const entryOf = (id: string): Stored | undefined => stored.find(({ deviceId }) => deviceId === id);
    try {
      const unread = await unreadOf(aor);
      const waiting: number[] = [];
      for (const { queue } of stored) waiting.push(await mailbox.count(queue));
      const sender = senderOf(message);
      const text = textOf(message);
      await notifier.notify(
        {
          id: message.id,
          kind: 'message',
          aor,
          sender,
          text,
          conversation: sender.address,
          expiresAt: message.expires === undefined ? undefined : clock.now() + message.expires,
        },
        {
          delivered,
          devices: new Set(stored.map(({ deviceId }) => deviceId)),
          badgeOf: (id) => unread + (waiting[stored.findIndex(({ deviceId }) => deviceId === id)] ?? 0),
          stillWanted: (id) => {
            const entry = entryOf(id);
            return entry !== undefined && this.#pushing.has(keyOf(entry));
          },
        },
      );
      mailbox.owed.told(stored);
    } catch (error) {
      onFault(error);
    } finally {
      for (const entry of stored) this.#pushing.delete(keyOf(entry));
    }
  }

  /** Tells the users that a process before this one had to tell, or a node that is gone. */
  async #tellLeft(): Promise<void> {
    const groups = new Map<string, { message: TextMessage; aor: string; stored: Stored[] }>();
    for (const { queue, position, message } of await this.#options.mailbox.owed.left()) {
      const owner = ownerOf(queue);
      if (owner === undefined || this.#pushing.has(keyOf({ queue, position }))) continue;
      const key = `${message.id} ${owner.aor}`;
      const group = groups.get(key) ?? { message, aor: owner.aor, stored: [] };
      group.stored.push({ deviceId: owner.deviceId, queue, position });
      this.#pushing.add(keyOf({ queue, position }));
      groups.set(key, group);
    }
    for (const { message, aor, stored } of groups.values()) await this.#tell(message, aor, stored, NOBODY);
  }
}

const NOBODY: ReadonlySet<string> = new Set();

/** Where a message waits for a device. */
interface Stored {
  readonly deviceId: string;
  readonly queue: string;
  readonly position: string;
}

function keyOf({ queue, position }: Pick<Stored, 'queue' | 'position'>): string {
  return `${queue}\n${position}`;
}

/** One answer for all devices: the first that has it, else that it waits, else why nobody will have it. */
function answerOf(fates: readonly Fate[]): MessageAnswer {
  const delivered = fates.find(({ kind }) => kind === 'delivered');
  if (delivered?.kind === 'delivered') {
    const { result } = delivered;
    return { status: result.status, reason: result.reason, from: result };
  }
  if (fates.some(({ kind }) => kind === 'stored')) return ACCEPTED;
  const refused = fates.find(({ kind }) => kind === 'refused');
  if (refused?.kind === 'refused') {
    const { result } = refused;
    return { status: result.status, reason: result.reason, from: result };
  }
  return BUSY;
}
