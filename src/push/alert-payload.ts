import { sha256 } from '../grammar/sha256.js';
import type { AlertFacts, InvitationFacts, MessageFacts, VoicemailFacts } from './alert-facts.js';
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
  readonly aor?: string | undefined;
  readonly id?: string | undefined;
  readonly callUuid?: string | undefined;
  readonly callerName?: string | undefined;
  readonly callerNumber?: string | undefined;
  readonly calledNumber?: string | undefined;
  readonly senderName?: string | undefined;
  readonly sender?: string | undefined;
  readonly conversation?: string | undefined;
  readonly text?: string | undefined;
  readonly subject?: string | undefined;
  readonly link?: string | undefined;
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
  const silent = isSilent(facts);
  const aps: Writable<AlertPayload['aps']> = { 'thread-id': threadOf(facts, told, key) };
  if (!silent) aps.alert = alertTexts(facts, key ? 'nothing' : told);
  if (badge !== undefined) aps.badge = badge;
  if (!silent && kind !== 'answered-elsewhere') aps.sound = 'default';
  const head = headOf(facts);
  const members = membersOf(facts, told);
  if (key === undefined) return { aps, callwake: members };
  aps['mutable-content'] = 1;
  const about = `1.${kind}.${head.id ?? head.callUuid ?? ''}`;
  return { aps, callwake: { ...head, ...seal({ alert: alertTexts(facts, told), callwake: members }, about, key) } };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Notifications of one thread are stacked; Apple needn't know whose it is when it is sealed. */
function threadOf(facts: AlertFacts, told: Told, key: DeviceKey | undefined): string {
  if (facts.kind === 'missed-call' || facts.kind === 'answered-elsewhere') return 'callwake.calls';
  if (facts.kind !== 'message') return `callwake.${facts.kind}`;
  const { conversation, sender } = facts;
  const name = (told === 'clear' && conversation) || sender;
  if (!name || told === 'nothing') return 'callwake.message';
  return `callwake.message ${key ? pseudonym(name, key) : name}`;
}

type Head = { readonly v: 1; readonly type: AlertFacts['kind']; readonly id?: string; readonly callUuid?: string };

/** What is never sealed. */
function headOf(facts: AlertFacts): Head {
  const { kind: type } = facts;
  if ('callUuid' in facts) return { v: 1, type, callUuid: facts.callUuid };
  return facts.id ? { v: 1, type, id: facts.id } : { v: 1, type };
}

function membersOf(facts: AlertFacts, told: Told): AlertPayload['callwake'] {
  const head = headOf(facts);
  const members: Record<string, unknown> = head;
  const add = (name: keyof Texts | keyof VoicemailFacts | keyof InvitationFacts, value: unknown): void => {
    if (value !== undefined && value !== '') members[name] = value;
  };
  const all = told === 'clear';
  if (told !== 'nothing') {
    switch (facts.kind) {
      case 'invitation':
      case 'message':
        add('senderName', facts.senderName);
        add('sender', facts.sender);
        break;
      default:
        add('callerName', facts.callerName);
        add('callerNumber', facts.callerNumber);
        add('privacy', facts.privacy);
    }
  }
  if (all) {
    switch (facts.kind) {
      case 'message':
        add('conversation', facts.conversation);
        break;
      case 'invitation':
        add('subject', facts.subject);
        add('startsAt', facts.startsAt);
        add('link', facts.link);
        break;
      case 'voicemail':
        add('newMessages', facts.newMessages);
        add('oldMessages', facts.oldMessages);
        add('durationMs', facts.durationMs);
        break;
      default:
        add('calledNumber', facts.calledNumber);
    }
  }
  add('aor', facts.aor);
  add('at', facts.at);
  add('expiresAt', facts.expiresAt);
  return head;
}

function withoutCaller(facts: AlertFacts): AlertFacts {
  if (!('privacy' in facts) || !facts.privacy) return facts;
  const { callerName: _name, callerNumber: _number, ...rest } = facts;
  return rest;
}

function boundedTexts<Facts extends object>(facts: Facts): Facts {
  let bounded: Facts | undefined;
  for (const [name, value] of Object.entries(facts)) {
    const kept = boundedText(name, value);
    if (kept !== value) bounded = { ...(bounded ?? facts), [name]: kept };
  }
  return bounded ?? facts;
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

const isSilent = (facts: AlertFacts): boolean => facts.kind === 'voicemail' && facts.silent === true;

/** Tells nothing of what it stands for. */
function collapseIdOf(facts: AlertFacts): string {
  if ('callUuid' in facts && COLLAPSE_ID.test(facts.callUuid)) return facts.callUuid;
  const name = 'callUuid' in facts ? facts.callUuid : facts.kind === 'voicemail' ? (facts.aor ?? '') : nameOf(facts);
  return sha256(`${facts.kind}\n${name}`, 'base64url').slice(0, 32);
}

const nameOf = (facts: MessageFacts | InvitationFacts): string =>
  (facts.kind === 'message' && facts.conversation) || facts.id;
