import { createHash } from 'node:crypto';
import type { AlertFacts, InvitationFacts, MessageFacts } from './alert-facts.js';
import { type ApsAlert, alertTexts } from './alert-texts.js';
import { payloadWithin, type Shortening } from './payload-within.js';
import { anyRecipient, type DeviceKey, type Recipient, type Told, tellingOf } from './recipient.js';
import { pseudonym, seal } from './seal.js';
import { cutText } from './text.js';

export type { AlertFacts, InvitationFacts, MessageFacts, MissedCallFacts, VoicemailFacts } from './alert-facts.js';

/** The body of an alert push. */
export interface AlertPayload {
  readonly aps: {
    readonly alert?: ApsAlert;
    readonly badge?: number;
    readonly sound?: 'default';
    readonly 'thread-id': string;
    /** Lets the app's notification service extension put in what was sealed. */
    readonly 'mutable-content'?: 1;
  };
  readonly callwake: Readonly<Record<string, unknown>> & { readonly v: 1; readonly type: AlertFacts['kind'] };
  readonly [member: string]: unknown;
}

/** What all alert pushes about one thing have in common; the payload depends on whom it goes to. */
export interface Alert {
  readonly payload: (to: Recipient) => AlertPayload;
  /** `apns-collapse-id`: a later alert of the same takes the place of an earlier one, at Apple and on the screen. */
  readonly collapseId: string;
  /** `apns-priority`: 5 for what is neither seen nor heard. */
  readonly priority: 5 | 10;
}

/** Apple's bound of an alert push's body, in bytes. */
const LIMIT = 4096;
/** What a notification shows of a name or a number. */
const MAX_CHARACTERS = 64;
const MAX_ID = 128;
/** More than a notification shows; the rest comes with the message itself. */
const MAX_TEXT = 512;
const MAX_LINK = 1024;
const COLLAPSE_ID = /^[0-9A-Za-z-]{1,64}$/;

/** Everything that may be a text in one of the facts. */
interface Texts {
  readonly aor?: string;
  readonly id?: string;
  readonly callUuid?: string;
  readonly callerName?: string;
  readonly callerNumber?: string;
  readonly calledNumber?: string;
  readonly senderName?: string;
  readonly sender?: string;
  readonly conversation?: string;
  readonly text?: string;
  readonly subject?: string;
  readonly link?: string;
}

const bounds: Readonly<Record<keyof Texts, number>> = {
  aor: MAX_ID,
  id: MAX_ID,
  callUuid: MAX_CHARACTERS,
  callerName: MAX_CHARACTERS,
  callerNumber: MAX_CHARACTERS,
  calledNumber: MAX_CHARACTERS,
  senderName: MAX_CHARACTERS,
  sender: MAX_ID,
  conversation: MAX_ID,
  text: MAX_TEXT,
  subject: MAX_TEXT,
  link: MAX_LINK,
};

/** What hurts least first. */
const order: readonly Shortening<Texts>[] = [
  { member: 'text', how: 'dots' },
  { member: 'subject', how: 'dots' },
  { member: 'link', how: 'drop' },
  { member: 'callerName', how: 'cut' },
  { member: 'senderName', how: 'cut' },
  { member: 'conversation', how: 'cut' },
  { member: 'calledNumber', how: 'cut' },
  { member: 'aor', how: 'drop' },
  { member: 'sender', how: 'cut' },
  { member: 'callerNumber', how: 'cut' },
  { member: 'id', how: 'cut' },
  { member: 'callUuid', how: 'cut' },
];

/** An alert push about something a user should see. Its payload is within Apple's 4096 bytes whatever a caller or sender writes. */
export function alertOf(facts: AlertFacts): Alert {
  const bounded = boundedTexts(withoutCaller(facts));
  return {
    payload: (to = anyRecipient) =>
      payloadWithin<AlertFacts & Texts, AlertPayload>(bounded, order, (cut) => payloadFor(cut, to), LIMIT),
    collapseId: collapseIdOf(facts),
    priority: isSilent(facts) ? 5 : 10,
  };
}

function payloadFor(facts: AlertFacts, to: Recipient): AlertPayload {
  const { kind, badge } = facts;
  const { told, key } = tellingOf(to);
  const shown = key ? 'nothing' : told;
  const head = { v: 1, type: kind, ...idOf(facts) } as const;
  const members = { ...head, ...membersOf(facts, told) };
  const about = `1.${kind}.${head.id ?? head.callUuid ?? ''}`;
  return {
    aps: {
      ...(isSilent(facts) ? {} : { alert: alertTexts(facts, shown) }),
      ...(badge === undefined ? {} : { badge }),
      ...(isSilent(facts) || kind === 'answered-elsewhere' ? {} : { sound: 'default' }),
      'thread-id': threadOf(facts, told, key),
      ...(key ? { 'mutable-content': 1 } : {}),
    },
    callwake: key ? { ...head, ...seal({ alert: alertTexts(facts, told), callwake: members }, about, key) } : members,
  };
}

/** Notifications of one thread are stacked; Apple needn't know whose it is when it is sealed. */
function threadOf(facts: AlertFacts, told: Told, key: DeviceKey | undefined): string {
  if (facts.kind === 'missed-call' || facts.kind === 'answered-elsewhere') return 'callwake.calls';
  if (facts.kind !== 'message') return `callwake.${facts.kind}`;
  const { conversation, sender } = facts;
  const name = (told === 'clear' && conversation) || sender;
  if (!name || told === 'nothing') return 'callwake.message';
  return `callwake.message ${key ? pseudonym(name, key) : name}`;
}

type Ids = { readonly id?: string; readonly callUuid?: string };

function idOf(facts: AlertFacts): Ids {
  if ('callUuid' in facts) return { callUuid: facts.callUuid };
  return facts.id ? { id: facts.id } : {};
}

function membersOf(facts: AlertFacts, told: Told): Readonly<Record<string, unknown>> {
  const { aor, at, expiresAt } = facts;
  const head = { aor, at, expiresAt };
  if (told === 'nothing') return present(head);
  const all = told === 'clear';
  switch (facts.kind) {
    case 'message': {
      const { senderName, sender, conversation } = facts;
      return present({ senderName, sender, conversation: all ? conversation : undefined, ...head });
    }
    case 'invitation': {
      const { senderName, sender, subject, startsAt, link } = facts;
      return present({ senderName, sender, ...(all ? { subject, startsAt, link } : {}), ...head });
    }
    case 'voicemail': {
      const { callerName, callerNumber, newMessages, oldMessages, durationMs, privacy } = facts;
      const counts = all ? { newMessages, oldMessages, durationMs } : {};
      return present({ callerName, callerNumber, ...counts, ...head, privacy });
    }
    default: {
      const { callerName, callerNumber, calledNumber, privacy } = facts;
      return present({ callerName, callerNumber, calledNumber: all ? calledNumber : undefined, ...head, privacy });
    }
  }
}

function withoutCaller(facts: AlertFacts): AlertFacts {
  if (!('privacy' in facts) || !facts.privacy) return facts;
  const { callerName: _name, callerNumber: _number, ...rest } = facts;
  return rest;
}

function boundedTexts<Facts extends object>(facts: Facts): Facts {
  const bounded = Object.entries(facts).map(([name, value]) => [name, boundedText(name, value)]);
  return Object.fromEntries(bounded) as Facts;
}

function boundedText(name: string, value: unknown): unknown {
  if (typeof value !== 'string' || !isText(name)) return value;
  // Half a URI leads nowhere.
  if (name === 'link' && value.length > bounds.link) return '';
  const kept = cutText(value, bounds[name]);
  return kept.length < value.length && dotted.has(name) ? `${kept}…` : kept;
}

const dotted = new Set(order.filter(({ how }) => how === 'dots').map(({ member }) => member));

const isText = (name: string): name is keyof Texts => name in bounds;

/** Without what is undefined or an empty text. */
function present(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== ''));
}

const isSilent = (facts: AlertFacts): boolean => facts.kind === 'voicemail' && facts.silent === true;

/** Tells nothing of what it stands for. */
function collapseIdOf(facts: AlertFacts): string {
  if ('callUuid' in facts && COLLAPSE_ID.test(facts.callUuid)) return facts.callUuid;
  const name = 'callUuid' in facts ? facts.callUuid : facts.kind === 'voicemail' ? (facts.aor ?? '') : nameOf(facts);
  return createHash('sha256').update(`${facts.kind}\n${name}`, 'utf8').digest('base64url').slice(0, 32);
}

const nameOf = (facts: MessageFacts | InvitationFacts): string =>
  (facts.kind === 'message' && facts.conversation) || facts.id;
