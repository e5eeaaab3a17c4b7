import type { ClaimedToken } from './push-params.js';
import { claimTokens } from './tokens.js';
import type { Device, Platform } from './types.js';

/** A device as an operator or an app server describes it, checked. */
export interface Provision {
  /** Its id: the phone's instance UUID where it is known, so that its REGISTERs find it. */
  readonly id: string;
  readonly platform: Platform;
  /** Cisco's device name (`TCTALICE`): joins it with the phone that registers under that name. */
  readonly deviceName?: string;
  readonly tokens: readonly ClaimedToken[];
  /** `null` takes it away. */
  readonly encryptionKey?: string | null;
  readonly encryptionKeyId?: string;
}

/** The devices of an AOR after one of them was made or changed by hand; its bindings and tokens of other kinds stay as they are. */
export function provisionDevice(
  aor: string,
  known: readonly Device[],
  { id, platform, deviceName, tokens, encryptionKey, encryptionKeyId }: Provision,
  now: number,
): { devices: readonly Device[]; device: Device } {
  const before = known.find((device) => device.id === id || device.instance === id.toLowerCase());
  const { encryptionKey: oldKey, encryptionKeyId: oldKeyId, ...rest } = before ?? { id, aor, bindings: [], tokens: [] };
  const key = encryptionKey === undefined ? oldKey : (encryptionKey ?? undefined);
  const keyId = encryptionKey === undefined ? (encryptionKeyId ?? oldKeyId) : encryptionKeyId;
  const given = claimTokens(rest.tokens, tokens, now, 'api');
  const device: Device = {
    ...rest,
    platform,
    ...(deviceName !== undefined && { deviceName }),
    ...(key !== undefined && { encryptionKey: key, ...(keyId !== undefined && { encryptionKeyId: keyId }) }),
    tokens: [...given, ...rest.tokens.filter((token) => !given.some(({ kind }) => kind === token.kind))],
    seenAt: now,
  };
  const devices = before === undefined ? [...known, device] : known.map((other) => (other === before ? device : other));
  return { devices, device };
}
