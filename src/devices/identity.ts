import { parseUri, uriEquals } from '../grammar/uri.js';
import { digestOf, type ParsedContact } from './contact.js';
import type { DeviceSettings } from './settings.js';
import type { Device } from './types.js';

/** Which device a Contact belongs to, and which others turn out to be the same phone. */
export interface Match {
  readonly device?: Device;
  /** Earlier records of the same phone: they end, so that it is never called or pushed twice. */
  readonly ghosts: readonly Device[];
}

/**
 * Finds the device that a Contact belongs to: the one with its `+sip.instance`, else with its push token, else with its
 * Cisco device name if no phone registered under that yet, else with its Contact URI (RFC 3261 19.1.4). A URI tells two
 * instances apart by nothing, as behind two NATs both may be `192.168.1.2`, so it counts only when one of the two has no
 * instance. A token counts from another address too, unless the settings want the URI to match as well (RFC 8599 section 5.3).
 */
export function matchDevice(
  devices: readonly Device[],
  contact: ParsedContact,
  { tokenMatchesAnyAddress }: Pick<DeviceSettings, 'tokenMatchesAnyAddress'>,
): Match {
  const { instance, deviceName } = contact;
  const tokens = contact.push.kind === 'tokens' ? contact.push.tokens.map(({ token }) => token) : [];
  const byInstance = devices.filter((device) => instance !== undefined && (device.instance ?? device.id) === instance);
  const byToken = devices.filter(
    (device) =>
      (device.tokens.some(({ token }) => tokens.includes(token)) ||
        tokens.some((token) => device.id === idOf(token))) &&
      (tokenMatchesAnyAddress ||
        device.bindings.length === 0 ||
        device.bindings.some(({ uri }) => isUriOf(contact, uri))),
  );
  const byName = devices.filter(
    (device) => deviceName !== undefined && device.instance === undefined && device.deviceName === deviceName,
  );
  const byContact = devices.filter(
    (device) =>
      (instance === undefined || device.instance === undefined) &&
      device.bindings.some(({ uri }) => isUriOf(contact, uri)),
  );
  const [device, ...ghosts] = new Set([...byInstance, ...byToken, ...byName, ...byContact]);
  return { ...(device !== undefined && { device }), ghosts };
}

/** The id of a device seen for the first time: its instance, else a hash of its token, else of its Contact. */
export function newDeviceId(devices: readonly Device[], contact: ParsedContact): string {
  const token = contact.push.kind === 'tokens' ? contact.push.tokens[0]?.token : undefined;
  const name = contact.instance ?? (token === undefined ? digestOf(`contact:${contact.uri}`) : idOf(token));
  let id = name;
  for (let n = 2; devices.some((device) => device.id === id); n++) id = digestOf(`${name}#${n}`);
  return id;
}

/** The id of a device that is known by its token alone; tells it even when Apple has ended the token meanwhile. */
function idOf(token: string): string {
  return digestOf(`prid:${token}`);
}

/** Whether a URI is that of a Contact (RFC 3261 19.1.4; push parameters aside). */
export function isUriOf(contact: ParsedContact, uri: string): boolean {
  return uri === contact.uri || uriEquals(parseUri(uri), contact.parsedUri);
}
