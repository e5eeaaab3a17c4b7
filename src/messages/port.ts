import type { Binding, Device, StateOf } from '../devices/types.js';
import type { SendResult, TextMessage } from './message.js';

/** A message on its way to a device. */
export interface Delivery {
  readonly message: TextMessage;
  readonly device: Device;
  readonly binding: Binding;
  /** Call-ID of the request: the same for each attempt, so that the phone knows a message that it has. */
  readonly callId: string;
  /** CSeq number: another for each attempt. */
  readonly attempt: number;
  /** Epoch milliseconds at which callwake got it. */
  readonly receivedAt: number;
  /** Default: MESSAGE. */
  readonly method?: 'NOTIFY';
}

/** How messages reach phones; SIP is the one way that is built. */
export interface MessagePort {
  /** One attempt. Settles with the final answer, or what stands for it, after 32 s at the latest. Never rejects. */
  send(delivery: Delivery): Promise<SendResult>;
}

/** What delivery asks of the registry. */
export interface MessageDevices {
  devicesOf(aor: string): Promise<readonly Device[]>;
  notifiedStateOf(device: Device): StateOf;
  noteAsleep(aor: string, deviceId: string, reason: string): Promise<void>;
}

/** Durations in milliseconds. */
export interface MessageSettings {
  /** The longest body that is taken, in bytes. */
  readonly maxSize: number;
  /** How long a message is kept for a phone that doesn't come. */
  readonly retention: number;
  /** How long an active phone may take to answer before the message is stored; well below the sender's own 32 s (RFC 4320). */
  readonly answerWithin: number;
  /** Phones that stored messages go to at once. */
  readonly deliverAtOnce: number;
  /** How soon a delivery is tried again that a phone has refused for a time; each time twice as long. */
  readonly retryAfter: number;
  /** How often a phone may refuse one message for a time. */
  readonly maxRefusals: number;
  /** MESSAGEs that wait for an answer; beyond, 503 with Retry-After. */
  readonly maxPending: number;
}

/** Told to the log, with fields that hold neither text nor token. */
export type MessageSink = (event: string, fields: Readonly<Record<string, unknown>>) => void;
