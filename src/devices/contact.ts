import { createHash } from 'node:crypto';
import { formatNameAddr, type NameAddr, parseNameAddr } from '../grammar/name-addr.js';
import { type Params, unquote } from '../grammar/params.js';
import { formatUri, parseUri, type SipUri } from '../grammar/uri.js';
import { dropKey, type GivenKey, keyInParams } from './encryption-key.js';
import { RegisterError } from './errors.js';
import { isPushParam, type PushClaim, readPushClaim } from './push-params.js';
import type { DeviceSettings } from './settings.js';
import type { Writable } from './types.js';

/** A Contact of a REGISTER, taken apart. */
export interface ParsedContact {
  /** The URI without push and state parameters: what a leg is sent to. */
  readonly uri: string;
  readonly parsedUri: SipUri;
  /** As the phone gave it, without `expires` and key. Holds tokens. */
  readonly text: string;
  readonly push: PushClaim;
  /** `+sip.instance`: lower-case UUID, or the URN as it is if it holds none. */
  readonly instance?: string;
  readonly regId?: number;
  /** 0 to 1. */
  readonly q: number;
  /** Seconds of the `expires` parameter; undefined without a valid one. */
  readonly expires?: number;
  /** `+sip.pnsreg` is there: the phone can refresh by itself (RFC 8599 section 4.1.2). */
  readonly pnsreg: boolean;
  readonly word?: 'foreground' | 'background';
  readonly platform?: string;
  readonly deviceName?: string;
  readonly model?: string;
  /** The key for payloads, if it gives one. Secret. */
  readonly key?: GivenKey;
}

const MAX_LENGTH = 4096;
const MAX_INSTANCE = 128;
const MAX_SECONDS = 2 ** 32 - 1;

/**
 * Takes one Contact header value apart (RFC 3261 20.10, RFC 5626, RFC 8599).
 * @throws RegisterError 400 when it is malformed, 416 when the URI isn't a SIP one.
 */
export function parseContact(text: string, settings: DeviceSettings): ParsedContact {
  if (text.length > MAX_LENGTH) throw new RegisterError(400, 'Contact too long');
  const { address, uri } = parse(text);
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') throw new RegisterError(416, 'Contact is not a SIP URI');
  // RFC 3261 19.1.1: a parameter's name appears once.
  if (address.params.hasRepeated || uri.params.hasRepeated) {
    throw new RegisterError(400, 'Contact parameter given twice');
  }
  const push = readPushClaim(uri.params, settings.legacyTeamId);
  const key = keyInParams(settings.keyParameter, address.params, uri.params);
  if (key !== undefined) {
    dropKey(address.params, settings.keyParameter);
    dropKey(uri.params, settings.keyParameter);
    address.uri = formatUri(uri);
  }
  const expires = address.params.get('expires');
  address.params.delete('expires');
  const given = formatNameAddr({ uri: address.uri, params: address.params });
  const word = readWord(address.params.get(settings.stateParameter) ?? uri.params.get(settings.stateParameter));
  const platform = address.params.get(settings.platformParameter) ?? uri.params.get(settings.platformParameter);
  const bare = bareUri(uri, settings);
  const instance = readInstance(address.params.get('+sip.instance'));
  const regId = readRegId(address.params.get('reg-id'));
  const seconds = expires === undefined ? undefined : readExpires(expires);
  const deviceName = readText(address.params.get('+u.sip!devicename.ccm.cisco.com'));
  const model = readText(address.params.get('+u.sip!model.ccm.cisco.com'));
  const parsed: Writable<ParsedContact> = {
    uri: formatUri(bare),
    parsedUri: bare,
    text: given,
    push,
    q: readQ(address.params.get('q')),
    pnsreg: address.params.has('+sip.pnsreg'),
  };
  if (instance !== undefined) parsed.instance = instance;
  if (regId !== undefined) parsed.regId = regId;
  if (seconds !== undefined) parsed.expires = seconds;
  if (word !== undefined) parsed.word = word;
  if (platform !== undefined) parsed.platform = unquote(platform);
  if (deviceName !== undefined) parsed.deviceName = deviceName;
  if (model !== undefined) parsed.model = model;
  if (key !== undefined) parsed.key = key;
  return parsed;
}

/** A Contact without anything about push, for the eyes of others (P37): tokens, and the key for payloads. */
export function withoutPush(contact: string, { keyParameter }: Pick<DeviceSettings, 'keyParameter'>): string {
  const address = parseNameAddr(contact);
  const uri = parseUri(address.uri);
  for (const params of [address.params, uri.params]) {
    dropPush(params);
    dropKey(params, keyParameter);
  }
  return formatNameAddr({ uri: formatUri(uri), params: address.params });
}

/** The word of a phone about itself; undefined when it is none of the two. */
export function readWord(text: string | undefined): 'foreground' | 'background' | undefined {
  const word = text === undefined ? undefined : unquote(text).toLowerCase();
  return word === 'foreground' || word === 'background' ? word : undefined;
}

/** A short stable name for something long or secret. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function parse(text: string): { address: NameAddr; uri: SipUri } {
  try {
    const address = parseNameAddr(text);
    return { address, uri: parseUri(address.uri) };
  } catch {
    throw new RegisterError(400, 'Malformed Contact');
  }
}

function bareUri(uri: SipUri, { stateParameter, platformParameter }: DeviceSettings): SipUri {
  const isOwn = (name: string): boolean => isSameName(name, stateParameter) || isSameName(name, platformParameter);
  return { ...uri, params: uri.params.filter((name) => !isPushParam(name) && !isOwn(name)) };
}

function isSameName(a: string, b: string): boolean {
  return a.length === b.length && a.toLowerCase() === b.toLowerCase();
}

function dropPush(params: Params): void {
  for (const [name] of [...params]) if (isPushParam(name)) params.delete(name);
}

/** RFC 3261 10.3: a malformed value counts as 3600. */
function readExpires(text: string): number {
  return /^\d{1,10}$/.test(text) ? Math.min(Number(text), MAX_SECONDS) : 3600;
}

function readQ(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text)) throw new RegisterError(400, 'Malformed q');
  return Number(text);
}

/** RFC 5626 section 9: 1 to 2^31-1. */
function readRegId(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 2 ** 31 - 1) throw new RegisterError(400, 'Malformed reg-id');
  return value;
}

function readInstance(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const value = unquote(text).replace(/^<|>$/g, '');
  if (value === '' || value.length > MAX_INSTANCE || /[^\x21-\x7e]/.test(value)) {
    throw new RegisterError(400, 'Malformed +sip.instance');
  }
  return /^urn:uuid:/i.test(value) ? value.slice(9).toLowerCase() : value;
}

function readText(text: string | undefined): string | undefined {
  const value = text === undefined ? '' : unquote(text);
  return value === '' || value.length > 128 || /[^\x20-\x7e]/.test(value) ? undefined : value;
}
