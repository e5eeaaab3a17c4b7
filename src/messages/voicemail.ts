import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import { bestBinding } from '../devices/best-binding.js';
import { Serial } from '../devices/serial.js';
import type { Device } from '../devices/types.js';
import type { Store } from '../store/store.js';
import type { TextMessage } from './message.js';
import { parseMessageSummary } from './message-summary.js';
import type { Notifier } from './notification.js';
import type { MessageDevices, MessagePort, MessageSink } from './port.js';
import { verdictOf } from './verdict.js';

export interface VoicemailOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly devices: MessageDevices;
  readonly notifier: Notifier;
  readonly port: MessagePort;
  readonly settings: {
    /** An alert for new voice messages; otherwise the badge only. */
    readonly alert: boolean;
    /** The summary goes on to the phones. */
    readonly relay: boolean;
  };
  /** Messages that wait for a device, to be counted into its badge. */
  readonly waitingFor: (device: Device) => Promise<number>;
  readonly sink: MessageSink;
  readonly onFault: (error: unknown) => void;
}

/** The latest summary of a mailbox. */
interface Kept {
  readonly v: 1;
  readonly id: string;
  readonly summary: TextMessage;
  readonly new: number;
  readonly old: number;
  /** Devices that have it. */
  readonly had: readonly string[];
}

const MAX_WAITING = 16;

/**
 * Message-summary (RFC 3842) from the trunk: the number of new voice messages becomes a badge and, if the operator wants that, an alert; the
 * summary itself goes to phones that are awake, the latest one to the others when they register.
 */
export class Voicemail {
  readonly #options: VoicemailOptions;
  readonly #serial = new Serial(MAX_WAITING);

  constructor(options: VoicemailOptions) {
    this.#options = options;
  }

  /** Takes a summary for a user. Gives the status of the answer; 200 when it is on disk. */
  async receive(summary: TextMessage, aor: string): Promise<number> {
    const counts = parseMessageSummary(summary.body);
    if (counts === undefined) return 400;
    if (!this.#serial.hasRoom(aor)) return 503;
    const { devices, sink, store } = this.#options;
    const known = await devices.devicesOf(aor);
    if (known.length === 0) return 404;
    const before = await this.#serial.run(aor, async () => {
      const { value, version } = await store.shared(keyOf(aor));
      const kept: Kept = { v: 1, id: summary.id, summary, ...counts, had: [] };
      await store.putShared(keyOf(aor), kept, version);
      return asKept(value);
    });
    sink('voicemail', { aor, new: counts.new, old: counts.old });
    for (const device of known) this.registered(device);
    if (before?.new !== counts.new || before.old !== counts.old)
      void this.#tell(aor, known, counts.new, counts.old, before);
    return 200;
  }

  /** A device has registered: if it is awake and hasn't the latest summary, it gets it. */
  registered(device: Device): void {
    const { settings, devices, onFault } = this.#options;
    if (!settings.relay || devices.notifiedStateOf(device).state !== 'active') return;
    if (!this.#serial.hasRoom(device.aor)) return;
    this.#serial.run(device.aor, () => this.#relayTo(device)).catch(onFault);
  }

  /** New voice messages of a user, as the last summary told. */
  async newOf(aor: string): Promise<number> {
    return asKept((await this.#options.store.shared(keyOf(aor))).value)?.new ?? 0;
  }

  /** Forgets the summary of a user's mailbox. Gives how many there were. */
  async forget(aor: string): Promise<number> {
    const { store } = this.#options;
    const { value, version } = await store.shared(keyOf(aor));
    if (asKept(value) === undefined) return 0;
    await store.putShared(keyOf(aor), null, version);
    return 1;
  }

  async #relayTo(device: Device): Promise<void> {
    const { store, port, clock, sink } = this.#options;
    const { value, version } = await store.shared(keyOf(device.aor));
    const kept = asKept(value);
    const binding = bestBinding(device.bindings);
    if (kept === undefined || binding === undefined || kept.had.includes(device.id)) return;
    const callId = createHash('sha256').update(`${kept.id}\n${device.id}`).digest('hex').slice(0, 40);
    const receivedAt = clock.now();
    const attempt = 1;
    const delivery = { message: kept.summary, device, binding, callId, attempt, receivedAt, method: 'NOTIFY' } as const;
    const result = await port.send(delivery);
    sink('voicemail-sent', { aor: device.aor, device: device.id, status: result.status });
    if (verdictOf(result) === 'not-reached') return;
    await store.putShared(keyOf(device.aor), { ...kept, had: [...kept.had, device.id] }, version);
  }

  async #tell(
    aor: string,
    known: readonly Device[],
    fresh: number,
    old: number,
    before: Kept | undefined,
  ): Promise<void> {
    const { notifier, settings, waitingFor, onFault } = this.#options;
    try {
      const badges = new Map<string, number>();
      for (const device of known) badges.set(device.id, fresh + (await waitingFor(device)));
      const silent = !settings.alert || fresh <= (before?.new ?? 0);
      await notifier.notify(
        { id: `voicemail ${fresh}/${old}`, kind: 'voicemail', aor, counts: { new: fresh, old }, badge: fresh, silent },
        { badgeOf: (id) => badges.get(id) },
      );
    } catch (error) {
      onFault(error);
    }
  }
}

function asKept(value: unknown): Kept | undefined {
  return typeof value === 'object' && value !== null && 'summary' in value ? (value as Kept) : undefined;
}

function keyOf(aor: string): string {
  return `voicemail ${aor}`;
}
