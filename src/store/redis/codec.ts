import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Device } from '../../devices/types.js';

/** How devices are written in Redis: the format is the first byte, so that nodes of two versions may share them. */
const PLAIN = 0x6a;
const DEFLATED = 0x7a;

/** Bytes from which the text is worth deflating. */
const DEFLATED_FROM = 120;
/** A device has no more than some tokens and bindings: what inflates beyond is not ours. */
const MAX_TEXT = 4 << 20;

/**
 * What the text of a device has in common with all others, the most frequent last. It belongs to the format: another dictionary needs
 * another first byte, and a release that reads it before the one that writes it.
 */
const DICTIONARY = Buffer.from(
  [
    '"encryptionKey":"","encryptionKeyId":"","asleep":{"reason":"no answer to INVITE","at":"word":{"state":"background","at":',
    '"word":{"state":"foreground","at":"activeAt":17"environment":"sandbox""refusedIn":["production"],"origin":"api"',
    '"formerUris":["sip:"pnsreg":true,"regId":1,"mode":"direct","mode":"rewrite","platform":"other","platform":"ipad"',
    '"tcp/10.0.0.1:5060"tls/192.0.2.:5061"udp/192.168.1.;transport=tls;transport=udp',
    '[{"id":"","aor":"sip:2001@corp.example","instance":"","platform":"iphone","userAgent":"","deviceName":"","bindings":[],"tokens":[',
    '"bindings":[{"uri":"sip:2001@10.;transport=tcp","contact":"<sip:2001@10.;transport=tcp;pn-provider=apns;pn-prid=:voip&:remote',
    ';pn-param=ABCDE12345.com.example.softphone.voip&remote>;+sip.instance=\\"<urn:uuid:>\\"","path":["<sip:edge@10.0.0.1:5060;lr>"],',
    '"mode":"path","registeredAt":17,"expiresAt":17,"callId":"@","cseq":1,"q":1,"source":"tcp/10."}],',
    '"tokens":[{"kind":"voip","token":"","teamId":"","bundleId":"com.","environment":"production","seenAt":17,"origin":"register"},',
    '{"kind":"alert","token":"","teamId":"","bundleId":"com.","environment":"production","seenAt":17,"origin":"register"}],"seenAt":17}]',
  ].join(''),
);

/** Devices as bytes. */
export function encodeDevices(devices: readonly Device[]): Buffer {
  const text = Buffer.from(JSON.stringify(devices));
  if (text.length < DEFLATED_FROM) return Buffer.concat([Buffer.of(PLAIN), text]);
  return Buffer.concat([Buffer.of(DEFLATED), deflateRawSync(text, { dictionary: DICTIONARY, level: 6 })]);
}

/** @throws {Error} for bytes that no callwake of this version reads. */
export function decodeDevices(bytes: Buffer): readonly Device[] {
  const [format] = bytes;
  const rest = bytes.subarray(1);
  if (format === PLAIN) return asDevices(JSON.parse(rest.toString()));
  if (format === DEFLATED) {
    return asDevices(
      JSON.parse(inflateRawSync(rest, { dictionary: DICTIONARY, maxOutputLength: MAX_TEXT }).toString()),
    );
  }
  throw new Error(`devices in Redis have a form that this callwake does not know (${format})`);
}

function asDevices(value: unknown): readonly Device[] {
  return Array.isArray(value) ? (value as readonly Device[]) : [];
}

/** Devices of an AOR as they are in Redis, with the number that grows with each change; 0 for none. */
export interface Versioned {
  readonly version: number;
  readonly devices: readonly Device[];
}

/** Takes apart what is stored: the version in decimal digits, a blank, the devices. */
export function decodeStored(stored: Buffer | null | undefined): Versioned {
  if (!stored || stored.length === 0) return { version: 0, devices: [] };
  const blank = stored.indexOf(0x20);
  const version = Number(stored.toString('latin1', 0, Math.max(blank, 0)));
  if (blank < 1 || !Number.isSafeInteger(version)) throw new Error('devices in Redis have no version');
  return { version, devices: decodeDevices(stored.subarray(blank + 1)) };
}
