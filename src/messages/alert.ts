import { createHash } from 'node:crypto';
import { cutText } from '../push/payload.js';
import type { Notification, Sender } from './notification.js';

/** How much of a notification its push may say: everything, whom it is from, or only that there is something. */
export type PushContent = 'full' | 'sender' | 'none';

/** A push made of a notification. */
export interface Alert {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly priority: 5 | 10;
  readonly collapseId: string;
}

interface Shown {
  readonly title: string;
  readonly body?: string;
}

const MAX_TITLE = 64;
const MAX_TEXT = 512;
const MAX_ID = 128;

/** What a push about a notification says and how urgent it is. Apple wants 5 for what is neither seen nor heard. */
export function alertOf(notification: Notification, content: PushContent): Alert {
  const { id, kind, aor, badge, conversation, expiresAt } = notification;
  const silent = kind === 'voicemail' && (notification.silent === true || notification.counts.new === 0);
  const { title, body } = shown(notification, content);
  return {
    payload: {
      aps: {
        ...(silent
          ? {}
          : { alert: { title, ...(body === undefined ? {} : { body }) }, sound: 'default', 'mutable-content': 1 }),
        ...(badge === undefined ? {} : { badge }),
        'thread-id': conversation === undefined ? `callwake.${kind}` : collapseId(kind, conversation),
      },
      callwake: {
        v: 1,
        type: kind,
        id: cutText(id, MAX_ID),
        aor: cutText(aor, MAX_ID),
        ...(conversation === undefined || content === 'none' ? {} : { conversation: cutText(conversation, MAX_ID) }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...facts(notification, content),
      },
    },
    priority: silent ? 5 : 10,
    collapseId: collapseId(kind, conversation ?? id),
  };
}

function shown(notification: Notification, content: PushContent): Shown {
  const plain = TITLES[notification.kind];
  if (content === 'none') return { title: plain };
  const full = content === 'full';
  switch (notification.kind) {
    case 'message':
      return {
        title: nameOf(notification.sender) ?? plain,
        body: (full ? cutText(notification.text, MAX_TEXT) : undefined) ?? plain,
      };
    case 'invitation': {
      const { organiser, title } = notification.invitation;
      const from = cutText(organiser, MAX_TITLE);
      if (!full) return from === undefined ? { title: plain } : { title: plain, body: from };
      return { title: cutText(title, MAX_TITLE) ?? plain, body: from === undefined ? plain : `${plain}: ${from}` };
    }
    case 'voicemail': {
      const from = nameOf(notification.sender);
      const count = notification.counts.new === 1 ? '1 new message' : `${notification.counts.new} new messages`;
      return { title: plain, body: from === undefined ? count : `${count}: ${from}` };
    }
    case 'missed-call':
      return { title: plain, body: nameOf(notification.sender) ?? 'Unknown caller' };
  }
}

const TITLES = {
  message: 'New message',
  invitation: 'Meeting invitation',
  voicemail: 'Voicemail',
  'missed-call': 'Missed call',
} as const;

function facts(notification: Notification, content: PushContent): Record<string, unknown> {
  if (notification.kind === 'voicemail') return { new: notification.counts.new, old: notification.counts.old };
  if (content === 'none') return {};
  switch (notification.kind) {
    case 'message':
      return senderFacts(notification.sender);
    case 'invitation': {
      const { title, organiser, start, joinUrl } = notification.invitation;
      return {
        start,
        ...(organiser === undefined ? {} : { organiser: cutText(organiser, MAX_TITLE) }),
        ...(content === 'full' ? { title: cutText(title, MAX_TITLE) } : {}),
        ...(content === 'full' && joinUrl !== undefined && joinUrl.length <= 1024 ? { joinUrl } : {}),
      };
    }
    case 'missed-call':
      return { ...senderFacts(notification.sender), at: notification.at };
  }
}

function senderFacts({ name, address }: Sender): Record<string, unknown> {
  return {
    ...(name === undefined ? {} : { senderName: cutText(name, MAX_TITLE) }),
    ...(address === undefined ? {} : { sender: cutText(address, MAX_ID) }),
  };
}

function nameOf(sender: Sender | undefined): string | undefined {
  return cutText(sender?.name, MAX_TITLE) ?? cutText(sender?.address, MAX_TITLE);
}

/** Within Apple's 64 bytes, and the same for the same conversation; tells nothing of it. */
function collapseId(kind: string, name: string): string {
  return createHash('sha256').update(`${kind}\n${name}`).digest('base64url').slice(0, 32);
}
