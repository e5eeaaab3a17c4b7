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

/** The body of a VoIP push, version 1. Apps must ignore members they don't know. */
export interface VoipPayload {
  readonly aps: Readonly<Record<string, never>>;
  readonly callwake: {
    readonly v: 1;
    readonly callUuid: string;
    readonly callerName?: string;
    readonly callerNumber?: string;
    readonly calledNumber: string;
    readonly video: boolean;
    readonly diversion?: string;
    readonly trunk: string;
    readonly expiresAt: number;
    readonly privacy: boolean;
  };
  readonly [member: string]: unknown;
}

/** Apple's bound of a VoIP push's body, in bytes. */
const LIMIT = 5120;
/** What fits a screen; a caller decides how long his name is, not how much of the push it takes. */
const MAX_CHARACTERS = 256;

/** Members that may be shortened, the least painful first. */
const shortenable = ['callerName', 'diversion', 'trunk', 'calledNumber', 'callerNumber', 'callUuid'] as const;

/**
 * The body of a VoIP push: always within 5120 bytes as JSON, cut between characters, names before numbers. Takes any text;
 * what isn't Unicode (a half surrogate pair) becomes U+FFFD.
 */
export function voipPayload(facts: CallFacts): VoipPayload {
  const caller = facts.privacy
    ? {}
    : { ...text('callerName', facts.callerName), ...text('callerNumber', facts.callerNumber) };
  let call: VoipPayload['callwake'] = {
    v: 1,
    callUuid: shorten(facts.callUuid, MAX_CHARACTERS),
    ...caller,
    calledNumber: shorten(facts.calledNumber, MAX_CHARACTERS),
    video: facts.video,
    ...text('diversion', facts.diversion),
    trunk: shorten(facts.trunk, MAX_CHARACTERS),
    expiresAt: facts.expiresAt,
    privacy: facts.privacy,
  };
  for (const member of shortenable) {
    const value = call[member];
    const over = sizeOf(call) - LIMIT;
    if (over <= 0) break;
    if (value !== undefined) call = { ...call, [member]: withoutBytes(value, over) };
  }
  return { aps: {}, callwake: call };
}

function text<Name extends string>(name: Name, value: string | undefined): { [K in Name]?: string } {
  if (value === undefined || value === '') return {};
  return { [name]: shorten(value, MAX_CHARACTERS) } as { [K in Name]?: string };
}

/** A name or number of at most so many characters of well-formed Unicode; undefined when there is nothing. */
export function cutText(value: string | undefined, characters: number): string | undefined {
  return value ? shorten(value, characters) : undefined;
}

function shorten(value: string, characters: number): string {
  // Cut first: splitting a megabyte into code points costs. By way of UTF-8, half surrogate pairs become U+FFFD.
  const wellFormed = Buffer.from(value.slice(0, characters * 2), 'utf8').toString('utf8');
  return [...wellFormed].slice(0, characters).join('');
}

function withoutBytes(value: string, over: number): string {
  const points = [...value];
  let saved = 0;
  while (points.length > 0 && saved < over) saved += bytesInJson(points.pop() ?? '');
  return points.join('');
}

const bytesInJson = (piece: string): number => Buffer.byteLength(JSON.stringify(piece)) - 2;

const sizeOf = (call: VoipPayload['callwake']): number =>
  Buffer.byteLength(JSON.stringify({ aps: {}, callwake: call }));
