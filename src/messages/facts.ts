import type { AlertFacts } from '../push/alert-facts.js';
import type { Notification, Sender } from './notification.js';

/** What the push about a notification tells; how much of it reaches a device is its app's business. `now`: epoch milliseconds. */
export function factsOf(notification: Notification, now: number): AlertFacts {
  const { id, aor, badge, expiresAt } = notification;
  const common = {
    aor,
    at: now,
    ...(badge === undefined ? {} : { badge }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  switch (notification.kind) {
    case 'message': {
      const { sender, text, conversation } = notification;
      return {
        ...common,
        kind: 'message',
        id,
        ...senderOf(sender),
        ...(text === undefined ? {} : { text }),
        ...(conversation === undefined ? {} : { conversation }),
      };
    }
    case 'invitation': {
      const { title, organiser, start, joinUrl } = notification.invitation;
      return {
        ...common,
        kind: 'invitation',
        id,
        subject: title,
        startsAt: start,
        ...(organiser === undefined ? {} : { senderName: organiser }),
        ...(joinUrl === undefined ? {} : { link: joinUrl }),
      };
    }
    case 'voicemail': {
      const { counts, sender } = notification;
      return {
        ...common,
        kind: 'voicemail',
        id,
        newMessages: counts.new,
        oldMessages: counts.old,
        silent: notification.silent === true || counts.new === 0,
        ...callerOf(sender ?? {}),
        privacy: false,
      };
    }
    case 'missed-call': {
      const { sender, calledNumber, at } = notification;
      const privacy = sender.name === undefined && sender.address === undefined;
      return {
        ...common,
        kind: 'missed-call',
        callUuid: id,
        calledNumber: calledNumber ?? '',
        at,
        ...callerOf(sender),
        privacy,
      };
    }
  }
}

function senderOf({ name, address }: Sender): { senderName?: string; sender?: string } {
  return {
    ...(name === undefined ? {} : { senderName: name }),
    ...(address === undefined ? {} : { sender: address }),
  };
}

function callerOf({ name, address }: Sender): { callerName?: string; callerNumber?: string } {
  return {
    ...(name === undefined ? {} : { callerName: name }),
    ...(address === undefined ? {} : { callerNumber: address }),
  };
}
