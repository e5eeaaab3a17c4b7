import { type Accepted, accept } from './answer.js';
import { checkOrder, isRepeated, makeBinding, removeBindings, replaceBindings } from './bindings.js';
import { type ParsedContact, parseContact, readWord } from './contact.js';
import { keyInHeader } from './encryption-key.js';
import { RegisterError } from './errors.js';
import { askedExpiry, grantedExpiry } from './expiry.js';
import { matchDevice, newDeviceId } from './identity.js';
import { platformOf } from './platform.js';
import { checkSecure, decidePush } from './push-decision.js';
import type { ClaimedToken } from './push-params.js';
import { withoutExpired } from './retention.js';
import type { DeviceSettings, PushService } from './settings.js';
import { registerTokens } from './tokens.js';
import type { Binding, Device, PushToken, RegisterAnswer, RegisterRequest, Writable } from './types.js';

/** What a REGISTER comes to: the devices to store, and the answer once they are stored. */
export interface RegisterResult {
  readonly devices: readonly Device[];
  /** False for a REGISTER that only asks, and for one that is stored already: nothing to store. */
  readonly changed: boolean;
  readonly answer: RegisterAnswer;
}

/** What a decision depends on besides the REGISTER and the devices known. */
export interface RegisterContext {
  readonly now: number;
  readonly settings: DeviceSettings;
  /** From 0 (inclusive) to 1 (exclusive), for the jitter of the expiry. */
  readonly random: number;
  /** The expiry in seconds that another registrar granted to a Contact; it then counts as it is. */
  readonly granted?: (contact: ParsedContact) => number;
}

const MAX_PATHS = 10;
const MAX_PATH_LENGTH = 2048;
const MAX_AOR_LENGTH = 512;
const MAX_AGENT_LENGTH = 256;

/**
 * Applies a REGISTER to the devices of its AOR (RFC 3261 10.3 steps 6 to 8, RFC 3327, RFC 5626, RFC 8599). Changes nothing
 * by itself: all Contacts take effect, or the REGISTER is refused.
 * @throws RegisterError 400, 403, 416, 423, 500 or 555.
 */
export function applyRegister(
  request: RegisterRequest,
  known: readonly Device[],
  context: RegisterContext,
): RegisterResult {
  checkRequest(request, context.settings);
  const change = new Change(request, withoutExpired(known, context.now, context.settings), context);
  if (request.contacts.length === 0) return change.result();
  if (request.contacts.some((contact) => contact.trim() === '*')) change.removeAll();
  else {
    for (const text of request.contacts) change.apply(parseContact(text, context.settings));
  }
  return change.result();
}

function checkRequest(request: RegisterRequest, settings: DeviceSettings): void {
  if (request.aor.length > MAX_AOR_LENGTH) throw new RegisterError(404, 'Address of record too long');
  if (!Number.isSafeInteger(request.cseq) || request.cseq < 0) throw new RegisterError(400, 'Malformed CSeq');
  if (request.callId.length > 512) throw new RegisterError(400, 'Call-ID too long');
  if (request.contacts.length > settings.maxContacts) throw new RegisterError(403, 'Too many contacts');
  if (request.path.length > MAX_PATHS || request.path.some(({ length }) => length > MAX_PATH_LENGTH)) {
    throw new RegisterError(400, 'Path too long');
  }
}

/** The devices of an AOR on their way from before to after a REGISTER. */
class Change {
  readonly #request: RegisterRequest;
  readonly #context: RegisterContext;
  #devices: readonly Device[];
  /** Ids of the devices named so far. */
  readonly #own = new Set<string>();
  /** Bindings made so far. */
  readonly #fresh = new Set<Binding>();
  readonly #services = new Set<PushService>();
  #pnsreg = false;
  #changed = false;

  constructor(request: RegisterRequest, devices: readonly Device[], context: RegisterContext) {
    this.#request = request;
    this.#devices = devices;
    this.#context = context;
  }

  /** `Contact: *` (RFC 3261 10.2.2). */
  removeAll(): void {
    if (this.#request.contacts.length !== 1) throw new RegisterError(400, 'Contact * must stand alone');
    if (this.#request.expires !== 0) throw new RegisterError(400, 'Contact * needs Expires: 0');
    this.#changed = true;
    for (const device of this.#devices) for (const binding of device.bindings) checkOrder(binding, this.#request);
    this.#devices = this.#devices.flatMap((device) => this.#unregistered(device, []));
  }

  /** One Contact: makes, refreshes or removes a binding. */
  apply(contact: ParsedContact): void {
    const { settings, granted, random } = this.#context;
    const asked = askedExpiry(contact.expires, this.#request.expires, settings);
    const seconds = granted === undefined ? grantedExpiry(asked, settings, random) : asked === 0 ? 0 : granted(contact);
    const { device, ghosts } = matchDevice(this.#devices, contact, settings);
    if (seconds === 0) {
      this.#changed = true;
      if (device !== undefined) this.#unregister(device, contact);
      return;
    }
    const { tokens, services } = decidePush(contact, this.#request, asked, seconds, settings);
    for (const service of services) this.#services.add(service);
    this.#pnsreg ||= contact.pnsreg;
    const longest = granted === undefined ? grantedExpiry(asked, settings, 0) : Number.POSITIVE_INFINITY;
    const shortest = granted === undefined ? grantedExpiry(asked, settings, 1) : 0;
    const stored = device?.bindings.find((binding) => {
      return isRepeated(binding, contact, this.#request, shortest, longest);
    });
    if (device !== undefined && stored !== undefined) {
      this.#own.add(device.id);
      this.#fresh.add(stored);
      return;
    }
    this.#changed = true;
    for (const ghost of ghosts) for (const binding of ghost.bindings) this.#check(binding);
    this.#devices = this.#devices.filter((other) => !ghosts.includes(other));
    this.#register(device, contact, tokens, seconds);
  }

  /** @throws RegisterError 403 when the AOR has too many bindings. */
  result(): RegisterResult {
    const { settings, now } = this.#context;
    const changed = this.#changed;
    const bindings = this.#devices.reduce((sum, device) => sum + device.bindings.length, 0);
    if (changed && bindings > settings.maxContacts) throw new RegisterError(403, 'Too many contacts');
    const devices = withinLimit(this.#devices, settings.maxContacts);
    const accepted: Accepted = {
      devices,
      own: devices.filter(({ id }) => this.#own.has(id)),
      services: [...this.#services],
      pnsreg: this.#pnsreg,
    };
    return { devices, changed, answer: accept(this.#request, accepted, now, settings) };
  }

  #register(
    before: Device | undefined,
    contact: ParsedContact,
    claimed: readonly ClaimedToken[],
    seconds: number,
  ): void {
    const { now } = this.#context;
    const { userAgent, stateHeader, aor } = this.#request;
    const id = before?.id ?? newDeviceId(this.#devices, contact);
    const made = makeBinding(contact, this.#request, now, seconds);
    const bindings = replaceBindings(before?.bindings ?? [], made, contact, this.#request, this.#fresh);
    const added = bindings.at(-1);
    if (added !== undefined) this.#fresh.add(added);
    const tokens = this.#tokens(before, claimed);
    const word = contact.word ?? readWord(stateHeader);
    const deviceName = contact.deviceName ?? before?.deviceName;
    const instance = contact.instance ?? before?.instance;
    const hints = { stated: contact.platform, deviceName, model: contact.model, userAgent };
    const activeAt = activityAt(before, word, now);
    const appleVoip = tokens.some(({ kind }) => kind === 'voip');
    const platform = platformOf({ ...hints, appleVoip });
    // Fields that may be missing are put in afterwards: spread into the literal they would make all that stand behind them slow to write.
    const device: Writable<Device> = { id, aor, platform, bindings, tokens, seenAt: now };
    if (instance !== undefined) device.instance = instance;
    if (userAgent !== undefined) device.userAgent = userAgent.slice(0, MAX_AGENT_LENGTH);
    if (deviceName !== undefined) device.deviceName = deviceName;
    if (word !== undefined) device.word = { state: word, at: now };
    if (activeAt !== undefined) device.activeAt = activeAt;
    const key = this.#key(before, contact);
    if (key?.encryptionKey !== undefined) device.encryptionKey = key.encryptionKey;
    if (key?.encryptionKeyId !== undefined) device.encryptionKeyId = key.encryptionKeyId;
    this.#own.add(id);
    this.#takeTokens(before, tokens);
    this.#devices =
      before === undefined
        ? [...this.#devices, device]
        : this.#devices.map((other) => (other === before ? device : other));
  }

  /** A token is one phone's: whoever names it last has it. */
  #takeTokens(mine: Device | undefined, named: readonly PushToken[]): void {
    if (this.#devices.every((device) => device === mine)) return;
    const taken = new Set(named.map(({ token }) => token));
    this.#devices = this.#devices.flatMap((device) => {
      if (device === mine || !device.tokens.some(({ token }) => taken.has(token))) return [device];
      const tokens = device.tokens.filter(({ token }) => !taken.has(token));
      return tokens.length + device.bindings.length === 0 ? [] : [{ ...device, tokens }];
    });
  }

  /** A second Contact of the same device adds to what the first named; otherwise the REGISTER says all there is. */
  #tokens(before: Device | undefined, claimed: readonly ClaimedToken[]): Device['tokens'] {
    const { now, settings } = this.#context;
    const known = before?.tokens ?? [];
    const again = before !== undefined && this.#own.has(before.id);
    if (claimed.length === 0 && (again || !settings.registerWithoutTokenEndsToken)) return known;
    return registerTokens(known, claimed, now);
  }

  /** The key that it gives now; without one, that of before. @throws RegisterError 400 for a malformed one, 403 for one in clear. */
  #key(
    before: Device | undefined,
    contact: ParsedContact,
  ): Pick<Device, 'encryptionKey' | 'encryptionKeyId'> | undefined {
    const { keyHeader } = this.#request;
    const key = contact.key ?? (keyHeader === undefined ? undefined : keyInHeader(keyHeader));
    if (key !== undefined) {
      checkSecure(this.#request, this.#context.settings);
      return key;
    }
    return before;
  }

  #unregister(device: Device, contact: ParsedContact): void {
    const bindings = removeBindings(device, contact, this.#request, this.#fresh);
    if (bindings.length === device.bindings.length && device.bindings.length > 0) return;
    const after = this.#unregistered(device, bindings);
    this.#devices = this.#devices.flatMap((other) => (other === device ? after : other));
  }

  /** A device after bindings were taken from it, as a list of one, or of none if nothing of it is left. */
  #unregistered(device: Device, bindings: readonly Binding[]): readonly Device[] {
    if (bindings.length > 0) return [{ ...device, bindings }];
    const { word: _word, asleep: _asleep, ...rest } = device;
    const ends = this.#context.settings.unregisterEndsToken;
    const tokens = ends ? device.tokens.filter(({ origin }) => origin === 'api') : device.tokens;
    return tokens.length === 0 ? [] : [{ ...rest, bindings, tokens }];
  }

  #check(binding: Binding): void {
    if (!this.#fresh.has(binding)) checkOrder(binding, this.#request);
  }
}

/** When the phone was last in use, as its word tells: until it says `background`, if it was in the foreground before. */
function activityAt(before: Device | undefined, word: 'foreground' | 'background' | undefined, now: number) {
  if (word !== 'background') return now;
  return before?.word?.state === 'foreground' ? (before.asleep?.at ?? now) : before?.activeAt;
}

/** Devices without bindings give way, the longest unseen first, so that nobody grows an AOR without bound. */
function withinLimit(devices: readonly Device[], max: number): readonly Device[] {
  if (devices.length <= max) return devices;
  const idle = devices.filter(({ bindings }) => bindings.length === 0).sort((a, b) => a.seenAt - b.seenAt);
  const dropped = new Set(idle.slice(0, devices.length - max));
  return devices.filter((device) => !dropped.has(device));
}
