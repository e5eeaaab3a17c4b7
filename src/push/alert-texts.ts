import type { AlertFacts, MissedCallFacts, VoicemailFacts } from './alert-facts.js';
import type { Told } from './recipient.js';

/**
 * `aps.alert` ("Generating a remote notification"). Where a text is callwake's, its key in the app's Localizable.strings is the English text
 * itself: an app that has no translation of it shows English.
 */
export interface ApsAlert {
  readonly title: string;
  readonly 'title-loc-key'?: string;
  readonly 'title-loc-args'?: readonly string[];
  readonly body: string;
  readonly 'loc-key'?: string;
  readonly 'loc-args'?: readonly string[];
}

/** A text in English with its key, or somebody's own words, which nobody translates. */
type Words = { readonly key: string; readonly args?: readonly string[] } | { readonly own: string };

/** All keys that {@link alertTexts} gives. */
export const LOC_KEYS = [
  'Missed call',
  'Answered on another device',
  'Unknown caller',
  'Open the app to see who it was',
  'New message',
  'Invitation',
  'Invitation to a meeting',
  '%@ invites you',
  'Voicemail',
  'New voice message',
  '%@ new voice messages',
] as const;

const words = (key: (typeof LOC_KEYS)[number], ...args: readonly string[]): Words =>
  args.length === 0 ? { key } : { key, args };
const own = (text: string): Words => ({ own: text });

/** Title and text of a notification, in English and with the keys for the user's language. */
export function alertTexts(facts: AlertFacts, told: Told): ApsAlert {
  const [title, body] = wordsOf(facts, told);
  return { ...titleOf(title), ...bodyOf(body) };
}

function wordsOf(facts: AlertFacts, told: Told): readonly [title: Words, body: Words] {
  const all = told === 'clear';
  const named = all || told === 'sender';
  switch (facts.kind) {
    case 'message': {
      const sender = facts.senderName || facts.sender;
      const text = all && facts.text ? own(facts.text) : words('New message');
      return [named && sender ? own(sender) : words('New message'), text];
    }
    case 'invitation': {
      const sender = facts.senderName || facts.sender;
      const title = named && sender ? words('%@ invites you', sender) : words('Invitation');
      return [title, all && facts.subject ? own(facts.subject) : words('Invitation to a meeting')];
    }
    case 'voicemail': {
      const { newMessages } = facts;
      const caller = named ? callerOf(facts) : undefined;
      if (caller !== undefined) return [words('Voicemail'), own(caller)];
      if (all && newMessages !== undefined && newMessages > 1)
        return [words('Voicemail'), words('%@ new voice messages', String(newMessages))];
      return [words('Voicemail'), words('New voice message')];
    }
    default: {
      const title = facts.kind === 'missed-call' ? words('Missed call') : words('Answered on another device');
      if (!named) return [title, words('Open the app to see who it was')];
      const caller = callerOf(facts);
      return [title, caller === undefined ? words('Unknown caller') : own(caller)];
    }
  }
}

function callerOf({ callerName, callerNumber }: VoicemailFacts | MissedCallFacts): string | undefined {
  if (callerName && callerNumber) return `${callerName} (${callerNumber})`;
  return callerName || callerNumber || undefined;
}

const english = ({ key, args = [] }: { key: string; args?: readonly string[] }): string =>
  args.reduce((text, arg) => text.replace('%@', () => arg), key);

function titleOf(title: Words): Pick<ApsAlert, 'title' | 'title-loc-key' | 'title-loc-args'> {
  if ('own' in title) return { title: title.own };
  return {
    title: english(title),
    'title-loc-key': title.key,
    ...(title.args ? { 'title-loc-args': title.args } : {}),
  };
}

function bodyOf(body: Words): Pick<ApsAlert, 'body' | 'loc-key' | 'loc-args'> {
  if ('own' in body) return { body: body.own };
  return { body: english(body), 'loc-key': body.key, ...(body.args ? { 'loc-args': body.args } : {}) };
}
