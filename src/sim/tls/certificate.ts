import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { systemClock } from '../../clock/clock.js';
import { bits, bool, element, integer, octets, oid, sequence, set, time, utf8 } from './der.js';

/** A certificate with its private key, both PEM. As it is self-signed, `cert` is also what the other side trusts (`ca`). */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** Subject common name. Default: `callwake simulator`. */
  readonly commonName?: string;
  /** subjectAltName entries: DNS names, IP addresses and URIs (with a scheme). Default: localhost, 127.0.0.1, ::1. */
  readonly altNames?: readonly string[];
  /** Validity from one hour before now. Default: 90. */
  readonly days?: number;
  /** Epoch milliseconds. Default: the machine's time, as that is what TLS compares with. */
  readonly now?: number;
}

const DAY = 86_400_000;
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/**
 * Makes a self-signed X.509 v3 certificate (RFC 5280) on a new P-256 key, for simulators, the demo and tests.
 * It serves as server, as client and as its own authority.
 */
export function makeCertificate(options: CertificateOptions = {}): Certificate {
  const now = options.now ?? systemClock.now();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid('2.5.4.3'), utf8(options.commonName ?? 'callwake simulator'))));
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x01, 0);
  const toBeSigned = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - 3_600_000), time(now + (options.days ?? 90) * DAY)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions(options.altNames ?? ['localhost', '127.0.0.1', '::1']))),
  );
  const der = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(sign('sha256', toBeSigned, privateKey)));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem('CERTIFICATE', der) };
}

function extensions(altNames: readonly string[]): Buffer[] {
  const critical = bool(true);
  return [
    sequence(oid('2.5.29.19'), critical, octets(sequence(bool(true)))),
    // digitalSignature and keyCertSign: bits 0 and 5.
    sequence(oid('2.5.29.15'), critical, octets(bits(Buffer.from([0b1000_0100]), 2))),
    sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2')))),
    sequence(oid('2.5.29.17'), octets(sequence(...altNames.map(generalName)))),
  ];
}

function generalName(name: string): Buffer {
  const family = isIP(name);
  if (family === 4) return element(0x87, Buffer.from(name.split('.').map(Number)));
  if (family === 6) return element(0x87, ipv6Bytes(name));
  return element(/^[a-z][a-z0-9+.-]*:/i.test(name) ? 0x86 : 0x82, Buffer.from(name, 'ascii'));
}

function ipv6Bytes(address: string): Buffer {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, i) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  });
  return bytes;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
