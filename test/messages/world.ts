import type { Device, StateOf } from '../../src/devices/types.js';
import { Mailbox, type MailboxLimits } from '../../src/messages/mailbox.js';
import type { SendResult, TextMessage } from '../../src/messages/message.js';
import { Messages } from '../../src/messages/messages.js';
import type { Notification, NotifyOptions } from '../../src/messages/notification.js';
import type { Delivery, MessageSettings } from '../../src/messages/port.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock, settle } from '../support/fake-clock.js';

export const AOR = 'sip:2001@corp.example';
const LIMITS: MailboxLimits = { messagesPerDevice: 100, bytesPerDevice: 100_000, messages: 1000, dead: 2 };
const SETTINGS: MessageSettings = {
  maxSize: 1000,
  retention: 7 * 86_400_000,
  answerWithin: 5_000,
  deliverAtOnce: 2,
  retryAfter: 30_000,
  maxRefusals: 2,
  maxPending: 100,
};

const final = (status: number, local = false): SendResult => ({
  status,
  reason: `is ${status}`,
  local,
  headers: [],
  body: '',
});

export interface Attempt {
  readonly delivery: Delivery;
  /** Ends it as the phone would. */
  answer(status: number, local?: boolean): Promise<void>;
}

/** Messages for phones `a`, `b`, ... of one user; the test plays phones, Apple and the registry. */
export class World {
  readonly clock: FakeClock;
  readonly states = new Map<string, StateOf['state']>();
  readonly attempts: Attempt[] = [];
  readonly told: { notification: Notification; options: NotifyOptions }[] = [];
  readonly events: string[] = [];
  readonly faults: unknown[] = [];
  readonly mailbox: Mailbox;
  readonly messages: Messages;
  /** Holds pushes back while set. */
  pushing: Promise<void> | undefined;

  constructor(
    ids: readonly string[],
    {
      store = new MemoryStore(),
      clock = new FakeClock(),
      limits = {},
      settings = {},
    }: {
      store?: MemoryStore;
      clock?: FakeClock;
      limits?: Partial<MailboxLimits>;
      settings?: Partial<MessageSettings>;
    } = {},
  ) {
    this.clock = clock;
    const devices = ids.map((id): Device => this.#device(id, clock));
    for (const id of ids) this.states.set(id, 'suspended');
    this.mailbox = new Mailbox(store, clock, { ...LIMITS, ...limits }, (error) => this.faults.push(error));
    this.messages = new Messages({
      clock,
      mailbox: this.mailbox,
      devices: {
        devicesOf: async (aor) => (aor === AOR ? devices : []),
        notifiedStateOf: ({ id }) => ({ state: this.states.get(id) ?? 'suspended', reason: 'as told' }),
        noteAsleep: async (_aor, id) => void this.states.set(id, 'suspended'),
      },
      port: {
        send: (delivery) =>
          new Promise((resolve) => {
            const answer = async (status: number, local?: boolean): Promise<void> => {
              resolve(final(status, local));
              await settle(6);
            };
            this.attempts.push({ delivery, answer });
          }),
      },
      notifier: {
        notify: async (notification, options = {}) => {
          this.told.push({ notification, options });
          await this.pushing;
          return [];
        },
      },
      settings: { ...SETTINGS, ...settings },
      unreadOf: async () => 0,
      senderOf: ({ from }) => ({ address: from }),
      sink: (event) => this.events.push(event),
      onFault: (error) => this.faults.push(error),
    });
  }

  async send(body: string, over: Partial<TextMessage> = {}): Promise<number> {
    return (await this.messages.receive(message(body, over), { aor: AOR })).status;
  }

  async wakes(id: string): Promise<void> {
    this.states.set(id, 'active');
    this.messages.registered(this.#device(id, this.clock));
    await settle(6);
  }

  /** The text of each attempt so far. */
  get sent(): string[] {
    return this.attempts.map(({ delivery }) => `${delivery.device.id} ${delivery.message.body}`);
  }

  last(): Attempt {
    const last = this.attempts.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    return last;
  }

  #device(id: string, clock: FakeClock): Device {
    const at = clock.now();
    const binding = {
      uri: `sip:2001@192.0.2.1;id=${id}`,
      path: [],
      mode: 'direct' as const,
      registeredAt: at,
      expiresAt: at + 1e12,
      callId: 'r',
      cseq: 1,
      q: 1,
      source: 'udp/192.0.2.1:5060',
    };
    return { id, aor: AOR, platform: 'iphone', bindings: [binding], tokens: [], seenAt: at };
  }
}

export const message = (body: string, over: Partial<TextMessage> = {}): TextMessage => ({
  id: `id of ${body}`,
  from: '<sip:1001@corp.example>',
  to: `<${AOR}>`,
  headers: [['Content-Type', 'text/plain']],
  body,
  contentType: 'text/plain',
  maxForwards: 69,
  ...over,
});
