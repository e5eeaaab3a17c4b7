import type { Clock } from './clock/clock.js';
import type { MessagesConfig } from './config/schema.js';
import type { DeviceRegistry } from './devices/registry.js';
import type { Logger } from './log/logger.js';
import { Mailbox } from './messages/mailbox.js';
import { Messages } from './messages/messages.js';
import type { Notifier } from './messages/notification.js';
import { Preferences } from './messages/preferences.js';
import { type AlertPushes, PushNotifier } from './messages/push-notifier.js';
import type { Drachtio } from './sip/drachtio.js';
import { messagePort, senderOf } from './sip/message-port.js';
import type { Store } from './store/store.js';

export interface OpenMessagesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: Store;
  readonly devices: DeviceRegistry;
  readonly pushes: AlertPushes;
  readonly drachtio: Drachtio;
  readonly onFault: (error: unknown) => void;
}

/** Everything that a person reads: messages, and notifications of other things. */
export interface OpenedMessages {
  readonly messages: Messages;
  readonly notifier: Notifier;
  readonly preferences: Preferences;
}

/** Puts the parts of messaging together as the configuration says. */
export function openMessages(config: MessagesConfig, options: OpenMessagesOptions): OpenedMessages {
  const { clock, log, store, devices, pushes, drachtio, onFault } = options;
  const preferences = new Preferences(store);
  const notifier = new PushNotifier({
    clock,
    devices,
    pushes,
    preferences,
    settings: config,
    onDecided: ({ id, kind, aor }, result) => log.info('notified', { id, kind, aor, ...result }),
  });
  const { messagesPerDevice, bytesPerDevice, maxStored, maxDead } = config;
  const messages = new Messages({
    clock,
    devices,
    notifier,
    mailbox: new Mailbox(store, clock, { messagesPerDevice, bytesPerDevice, messages: maxStored, dead: maxDead }),
    port: messagePort(drachtio, clock),
    settings: config,
    senderOf,
    sink: (event, fields) => log.info(event, { ...fields }),
    onFault,
  });
  return { messages, notifier, preferences };
}
