import type { AlertFacts } from '../push/alert-facts.js';
import type { Notification, Sender } from './notification.js';

/**
 * What the push about a notification tells; how much of it reaches a device is its app's business.
 * @param now epoch milliseconds
 * @param badge instead of the notification's own
 */
export function factsOf(notification: Notification, now: number, badge = notification.badge): AlertFacts {
  const { id, aor, expiresAt } = notification;
  switch (notification.kind) {
    case 'message': {
      const { sender, text, conversation } = notification;
      const { name: senderName, address } = sender;
      return { kind: 'message', id, aor, at: now, badge, expiresAt, senderName, sender: address, text, conversation };
    }
    case 'invitation': {
      const { title, organiser, start, joinUrl } = notification.invitation;
      const about = { subject: title, startsAt: start, senderName: organiser, link: joinUrl };
      return { kind: 'invitation', id, aor, at: now, badge, expiresAt, ...about };
    }
    case 'voicemail': {
      const { counts, sender } = notification;
      const silent = notification.silent === true || counts.new === 0;
      const about = { newMessages: counts.new, oldMessages: counts.old, silent, ...callerOf(sender), privacy: false };
      return { kind: 'voicemail', id, aor, at: now, badge, expiresAt, ...about };
    }
    case 'missed-call': {
      const { sender, calledNumber, at } = notification;
      const privacy = sender.name === undefined && sender.address === undefined;
      const about = { callUuid: id, calledNumber: calledNumber ?? '', ...callerOf(sender), privacy };
      return { kind: 'missed-call', aor, at, badge, expiresAt, ...about };
    }
  }
}

function callerOf({ name, address }: Sender = {}): {
  callerName: string | undefined;
  callerNumber: string | undefined;
} {
  return { callerName: name, callerNumber: address };
}
