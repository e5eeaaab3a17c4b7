import { payloadWithin, type Shortening } from './payload-within.js';
import { anyRecipient, type Recipient, type Told, tellingOf } from './recipient.js';
import { seal } from './seal.js';
import { cutText } from './text.js';

/** What a VoIP push may tell the phone of a call. */
export interface CallFacts {
  /** The CallKit UUID. */
  readonly callUuid: string;
  readonly callerName?: string;
  readonly callerNumber?: string;
  readonly calledNumber: string;
  readonly video: boolean;
  /** Who diverted the call here (a hunt pilot, the first called number). */
  readonly diversion?: string;
  readonly trunk: string;
  /** Epoch milliseconds after which the call is no longer waiting. */
  readonly expiresAt: number;
  /** The caller asked to stay unknown: name and number are left out. */
  readonly privacy: boolean;
}

/** What an app finds under `callwake` in a VoIP push, version 1. Apps must ignore members they don't know. */
export interface VoipCall {
  readonly v: 1;
  readonly type: 'call';
  readonly callUuid: string;
  readonly callerName?: string;
  readonly callerNumber?: string;
  readonly calledNumber?: string;
  readonly video?: boolean;
  readonly diversion?: string;
  readonly trunk?: string;
  readonly registerTo?: string;
  readonly expiresAt: number;
  readonly privacy?: boolean;
  /** In place of the members above but `callUuid` and `expiresAt`. */
  readonly sealed?: string;
  readonly keyId?: string;
}

/** The body of a VoIP push. */
export interface VoipPayload {
  readonly aps: Readonly<Record<string, never>>;
  readonly callwake: VoipCall;
  readonly [member: string]: unknown;
}

/** Apple's bound of a VoIP push's body, in bytes. */
const LIMIT = 5120;
/** What fits a screen; a caller decides how long his name is, not how much of the push it takes. */
const MAX_CHARACTERS = 256;

const order: readonly Shortening<CallFacts>[] = [
  { member: 'callerName', how: 'cut' },
  { member: 'trunk', how: 'cut' },
  { member: 'diversion', how: 'cut' },
  { member: 'calledNumber', how: 'cut' },
  { member: 'callerNumber', how: 'cut' },
  { member: 'callUuid', how: 'cut' },
];

/**
 * The body of a VoIP push: always within 5120 bytes as JSON, sealed or not, cut between characters, names before numbers. Takes any
 * text; what isn't Unicode (a half surrogate pair) becomes U+FFFD.
 */
export function voipPayload(facts: CallFacts, to: Recipient = anyRecipient): VoipPayload {
  const { callerName, callerNumber, diversion, ...rest } = facts;
  const bounded: CallFacts = {
    ...rest,
    callUuid: short(facts.callUuid),
    calledNumber: short(facts.calledNumber),
    trunk: short(facts.trunk),
    ...(callerName !== undefined && !facts.privacy ? { callerName: short(callerName) } : {}),
    ...(callerNumber !== undefined && !facts.privacy ? { callerNumber: short(callerNumber) } : {}),
    ...(diversion === undefined ? {} : { diversion: short(diversion) }),
  };
  return payloadWithin(bounded, order, (call) => ({ aps: {}, callwake: callFor(call, to) }), LIMIT);
}

function callFor(facts: CallFacts, to: Recipient): VoipCall {
  const { callUuid, expiresAt } = facts;
  const head = { v: 1, type: 'call', callUuid } as const;
  const { told, key } = tellingOf(to);
  const call = { ...head, ...members(facts, told, to.registerTo), expiresAt };
  return key ? { ...head, ...seal(call, `1.call.${callUuid}`, key), expiresAt } : call;
}

function members(facts: CallFacts, told: Told, registerTo: string | undefined): Partial<VoipCall> {
  const { callerName, callerNumber, calledNumber, video, diversion, trunk, privacy } = facts;
  const node = registerTo === undefined ? {} : { registerTo };
  if (told === 'nothing') return node;
  const caller = { ...text('callerName', callerName), ...text('callerNumber', callerNumber) };
  if (told === 'sender') return { ...caller, video, ...node, privacy };
  return { ...caller, calledNumber, video, ...text('diversion', diversion), trunk, ...node, privacy };
}

const short = (text: string): string => cutText(text, MAX_CHARACTERS);

function text<Name extends string>(name: Name, value: string | undefined): { [K in Name]?: string } {
  return value === undefined || value === '' ? {} : ({ [name]: value } as { [K in Name]?: string });
}
