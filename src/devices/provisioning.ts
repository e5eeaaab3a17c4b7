import { aorOf, parseUri } from '../grammar/uri.js';
import { tokenHash } from '../log/mask.js';
import type { Store } from '../store/store.js';
import { ownsAor } from './digest.js';
import { isEncryptionKeyId, readEncryptionKey } from './encryption-key.js';
import { RegisterError } from './errors.js';
import { type ClaimedToken, checkClaim, isServed } from './push-params.js';
import type { DeviceRegistry } from './registry.js';
import type { StoredUsers } from './stored-users.js';
import type { Binding, Device, Platform, PushToken, StateOf } from './types.js';

/** A device as an operator or an app server describes it. */
export interface DeviceProvision {
  /** The phone's `+sip.instance` UUID where it is known, so that its REGISTERs find the device; else any name of 1 to 128 characters. */
  readonly id: string;
  readonly platform: Platform;
  /** Cisco's device name (`TCTALICE`): joins the device with the phone that registers under that name. */
  readonly deviceName?: string;
  /**
   * One a kind at most; they take the place of those of the same kind. The environment is learnt from Apple's answers when it
   * isn't given.
   */
  readonly tokens: readonly ClaimedToken[];
  /** AES-256 key for payloads: 32 bytes, base64url. `null` takes it away; without it, what was there stays. */
  readonly encryptionKey?: string | null;
  /** The app's name for that key. */
  readonly encryptionKeyId?: string;
}

/** A device as others may see it: without tokens, keys and the Contact that holds them. */
export interface DeviceView {
  readonly id: string;
  readonly aor: string;
  readonly instance?: string;
  readonly platform: Platform;
  readonly userAgent?: string;
  readonly deviceName?: string;
  /** Now, with its reason. */
  readonly state: StateOf;
  readonly bindings: readonly Omit<Binding, 'contact' | 'formerUris' | 'callId' | 'cseq'>[];
  /** `hash` stands for the token: the same in the logs of this process, and no way back. */
  readonly tokens: readonly (Omit<PushToken, 'token'> & { readonly hash: string })[];
  /** Whether payloads to it are encrypted, and the app's name for the key. */
  readonly encrypted: boolean;
  readonly encryptionKeyId?: string;
  /** Epoch milliseconds of the last REGISTER or provisioning. */
  readonly seenAt: number;
}

/** What was asked for can't be; `field` names the part, as in `tokens[0].bundleId`. Holds no secret. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

export interface ProvisioningOptions {
  readonly registry: DeviceRegistry;
  readonly store: Store;
  readonly users: StoredUsers;
  /** Domains whose AORs are ours, lower case. */
  readonly domains: readonly string[];
  /** The realm of digest. */
  readonly realm: string;
}

/** A page of a list; `next` is the `after` of the next one, absent after the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/**
 * Devices and users as the HTTP API and commands see them: makes, lists and removes them. Everything that comes in is checked
 * here as strictly as a REGISTER is; nothing secret goes out.
 */
export class Provisioning {
  readonly #options: ProvisioningOptions;

  constructor(options: ProvisioningOptions) {
    this.#options = options;
  }

  /**
   * Makes a device of an AOR, or changes it if the AOR has it already; its bindings stay as they are.
   * @throws ProvisionError when a part of it can't be, or the AOR has as many devices as it may.
   */
  async provision(aor: string, given: DeviceProvision): Promise<DeviceView> {
    const { registry, domains } = this.#options;
    const canonical = this.canonicalAor(aor);
    const { maxContacts } = registry.settings;
    if (!domains.includes(canonical.slice(canonical.lastIndexOf('@') + 1))) {
      throw new ProvisionError('aor', 'not of a domain that is served here');
    }
    this.#check(given);
    const { encryptionKey, ...rest } = given;
    const key = typeof encryptionKey === 'string' ? readEncryptionKey(encryptionKey) : encryptionKey;
    const device = await registry.provision(canonical, {
      ...rest,
      id: canonicalId(given.id),
      ...(key !== undefined && { encryptionKey: key }),
    });
    if (device === undefined) throw new ProvisionError('aor', `has ${maxContacts} devices already`);
    return this.view(device);
  }

  /** The devices of an AOR, empty if there are none. @throws ProvisionError when that is no AOR. */
  async devicesOf(aor: string): Promise<readonly DeviceView[]> {
    return (await this.#options.registry.devicesOf(this.canonicalAor(aor))).map((device) => this.view(device));
  }

  /** AORs with their devices, in order, `limit` at most behind `after` (`''` for the first). */
  async list(after: string, limit: number): Promise<Page<{ aor: string; devices: readonly DeviceView[] }>> {
    const page = await this.#options.store.devicesAfter(after, limit);
    const items = await Promise.all(page.map(async ([aor]) => ({ aor, devices: await this.devicesOf(aor) })));
    const next = page.length === limit ? page.at(-1)?.[0] : undefined;
    return { items: items.filter(({ devices }) => devices.length > 0), ...(next !== undefined && { next }) };
  }

  /** Forgets a device with its bindings and tokens. Gives false when there was none. @throws ProvisionError when that is no AOR. */
  async deleteDevice(aor: string, id: string): Promise<boolean> {
    return this.#options.registry.forget(this.canonicalAor(aor), canonicalId(id));
  }

  /** Forgets a device's push token of that kind. Gives false when it had none. @throws ProvisionError when that is no AOR. */
  async forgetToken(aor: string, id: string, kind: PushToken['kind']): Promise<boolean> {
    return this.#options.registry.forgetToken(this.canonicalAor(aor), canonicalId(id), kind);
  }

  /** Forgets a device's bindings and keeps its tokens. Gives false when it had none. @throws ProvisionError when that is no AOR. */
  async forgetBindings(aor: string, id: string): Promise<boolean> {
    return this.#options.registry.forgetBindings(this.canonicalAor(aor), canonicalId(id));
  }

  /**
   * Forgets all that is known of an AOR: its devices, and the user of digest whose it is, so that nobody can register it again.
   * Users of a users file stay: they are the file's. Gives how many users of digest there were, and whether there were devices.
   * @throws ProvisionError when that is no AOR.
   */
  async deleteUser(aor: string): Promise<{ readonly credentials: number; readonly devices: boolean }> {
    const { registry, users, realm } = this.#options;
    const canonical = this.canonicalAor(aor);
    const name = canonical.slice(canonical.indexOf(':') + 1);
    const names = [name, name.slice(0, name.lastIndexOf('@'))].filter((user) => ownsAor(user, realm, canonical));
    const gone = await Promise.all(names.map((user) => users.remove(user, realm)));
    const devices = await registry.forgetAll(canonical);
    return { credentials: gone.filter(Boolean).length, devices };
  }

  /** `sip:2001@corp.example` in the one form that the store knows. @throws ProvisionError when it is no SIP URI with a user. */
  canonicalAor(aor: string): string {
    try {
      const uri = parseUri(aor);
      if (aor.length <= 512 && uri.user !== undefined && uri.host !== '') return aorOf(uri);
    } catch {
      // Said below.
    }
    throw new ProvisionError('aor', 'not an address of record, such as sip:2001@corp.example');
  }

  /** A device without anything secret. */
  view(device: Device): DeviceView {
    const { encryptionKey, encryptionKeyId, instance, userAgent, deviceName } = device;
    return {
      id: device.id,
      aor: device.aor,
      ...(instance !== undefined && { instance }),
      platform: device.platform,
      ...(userAgent !== undefined && { userAgent }),
      ...(deviceName !== undefined && { deviceName }),
      state: this.#options.registry.stateOf(device),
      bindings: device.bindings.map(({ contact: _c, formerUris: _f, callId: _i, cseq: _s, ...shown }) => shown),
      tokens: device.tokens.map(({ token, ...shown }) => ({ ...shown, hash: tokenHash(token) })),
      encrypted: encryptionKey !== undefined,
      ...(encryptionKeyId !== undefined && { encryptionKeyId }),
      seenAt: device.seenAt,
    };
  }

  #check({ id, platform, deviceName, tokens, encryptionKey, encryptionKeyId }: DeviceProvision): void {
    const { settings } = this.#options.registry;
    if (!/^[\x21-\x7e]{1,128}$/.test(id)) throw new ProvisionError('id', '1 to 128 visible ASCII characters');
    if (!['iphone', 'ipad', 'other'].includes(platform)) throw new ProvisionError('platform', 'iphone, ipad or other');
    if (deviceName !== undefined && !/^[\x20-\x7e]{1,128}$/.test(deviceName)) {
      throw new ProvisionError('deviceName', '1 to 128 ASCII characters');
    }
    tokens.forEach((token, index) => {
      const place = `tokens[${index}]`;
      if (tokens.findIndex(({ kind }) => kind === token.kind) !== index) {
        throw new ProvisionError(`${place}.kind`, 'a second token of that kind');
      }
      try {
        checkClaim(token);
      } catch (error) {
        if (error instanceof RegisterError) throw new ProvisionError(place, error.message);
        throw error;
      }
      if (!isServed(token, settings)) {
        throw new ProvisionError(`${place}.bundleId`, 'no push account here is for that team and app');
      }
    });
    if (typeof encryptionKey === 'string' && readEncryptionKey(encryptionKey) === undefined) {
      throw new ProvisionError('encryptionKey', '32 bytes in base64url');
    }
    if (encryptionKeyId !== undefined && !isEncryptionKeyId(encryptionKeyId)) {
      throw new ProvisionError('encryptionKeyId', '1 to 64 visible ASCII characters without quote and backslash');
    }
  }
}

const UUID = /^(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** An instance UUID as REGISTERs make it known; any other name as it is. */
function canonicalId(id: string): string {
  return UUID.exec(id)?.[1]?.toLowerCase() ?? id;
}
