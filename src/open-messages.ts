import type { Clock } from './clock/clock.js';
import type { MessagesConfig } from './config/schema.js';
import type { DeviceRegistry } from './devices/registry.js';
import type { Logger } from './log/logger.js';
import { Mailbox, queueOf } from './messages/mailbox.js';
import { Messages } from './messages/messages.js';
import type { Notifier } from './messages/notification.js';
import type { OwedBySite } from './messages/owed-pushes.js';
import type { MessageSink } from './messages/port.js';
import { Preferences } from './messages/preferences.js';
import { type AlertPushes, PushNotifier } from './messages/push-notifier.js';
import { callsSilentAt, type Silence, silenceAt } from './messages/quiet-hours.js';
import { Voicemail } from './messages/voicemail.js';
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
  /** Where other nodes use the store too. */
  readonly site?: OwedBySite | undefined;
  readonly onFault: (error: unknown) => void;
}

/** Everything that a person reads: messages, and notifications of other things. */
export interface OpenedMessages {
  readonly messages: Messages;
  /** What waits for its phone, and what could not be delivered. */
  readonly mailbox: Mailbox;
  readonly voicemail: Voicemail;
  readonly notifier: Notifier;
  readonly preferences: Preferences;
  /** Why a user wants no alerts now; undefined when he may be told. */
  readonly silenceOf: (aor: string) => Promise<Silence | undefined>;
  /** Whether a user wants no calls now. */
  readonly callsSilent: (aor: string) => Promise<boolean>;
}

/** Puts the parts of messaging together as the configuration says. */
export function openMessages(config: MessagesConfig, options: OpenMessagesOptions): OpenedMessages {
  const { clock, log, store, devices, pushes, drachtio, site, onFault } = options;
  const preferences = new Preferences(store);
  const notifier = new PushNotifier({
    clock,
    devices,
    pushes,
    preferences,
    settings: config,
    onDecided: ({ id, kind, aor }, result) => {
      if (log.wants('info')) log.info('notified', { id, kind, aor, ...result });
    },
  });
  const { messagesPerDevice, bytesPerDevice, maxStored, maxDead } = config;
  const limits = { messagesPerDevice, bytesPerDevice, messages: maxStored, dead: maxDead };
  const mailbox = new Mailbox(store, clock, limits, onFault, site);
  const port = messagePort(drachtio, clock);
  const sink: MessageSink = (event, fields) => {
    if (log.wants('info')) log.info(event, { ...fields });
  };
  const common = { clock, devices, notifier, port, sink, onFault };
  const voicemail = new Voicemail({
    ...common,
    store,
    settings: config.voicemail,
    waitingFor: ({ aor, id }) => mailbox.count(queueOf(aor, id)),
  });
  const unreadOf = (aor: string): Promise<number> => voicemail.newOf(aor);
  const messages = new Messages({ ...common, mailbox, settings: config, senderOf, unreadOf });
  return {
    messages,
    mailbox,
    voicemail,
    notifier,
    preferences,
    silenceOf: async (aor) => silenceAt(await preferences.get(aor), clock.now()),
    callsSilent: async (aor) => callsSilentAt(await preferences.get(aor), clock.now()),
  };
}
