import type { DeviceSettings } from '../devices/settings.js';
import type { RegisterRequest, Writable } from '../devices/types.js';
import { splitList } from '../grammar/list.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { aorOf, parseUri } from '../grammar/uri.js';
import type { SrfRequest } from './drachtio.js';
import { allHeaders, firstHeader, type HeaderLines } from './header-lines.js';

/** Headers with which a phone tells of itself, as they are configured. */
export type HeaderNames = Pick<DeviceSettings, 'stateHeader' | 'keyHeader'>;

/** Takes a REGISTER apart for the devices. */
export function describeRegister(
  req: SrfRequest,
  lines: HeaderLines,
  aor: string,
  fromEdge: boolean,
  names: HeaderNames,
): RegisterRequest {
  const expires = Number.parseInt(firstHeader(lines, 'expires') ?? '', 10);
  const userAgent = firstHeader(lines, 'user-agent');
  const word = firstHeader(lines, names.stateHeader);
  const key = firstHeader(lines, names.keyHeader);
  // Fields that may be missing are put in afterwards: spread into the literal they would make all that stand behind them slow to write.
  const request: Writable<RegisterRequest> = {
    aor,
    callId: firstHeader(lines, 'call-id') ?? '',
    cseq: Number.parseInt(firstHeader(lines, 'cseq') ?? '0', 10),
    contacts: listed(lines, 'contact'),
    path: listed(lines, 'path'),
    supported: listed(lines, 'supported').map((tag) => tag.toLowerCase()),
    featureCaps: listed(lines, 'feature-caps'),
    source: sourceOf(req),
    fromEdge,
  };
  if (!Number.isNaN(expires)) request.expires = expires;
  if (userAgent !== undefined) request.userAgent = userAgent;
  if (word !== undefined) request.stateHeader = word;
  if (key !== undefined) request.keyHeader = key;
  return request;
}

/** `udp/192.0.2.1:5060` */
export function sourceOf(req: SrfRequest): string {
  return `${req.protocol || 'tcp'}/${req.source_address}:${req.source_port}`;
}

/** The address of record that a To header names; undefined when it names none, such as with another scheme than sip and sips. */
export function aorFrom(to: string): string | undefined {
  try {
    const uri = parseUri(parseNameAddr(to).uri);
    return uri.scheme === 'sip' || uri.scheme === 'sips' ? aorOf(uri) : undefined;
  } catch {
    return undefined;
  }
}

/** The host part of an AOR. */
export function hostOf(aor: string): string {
  const host = aor.slice(aor.lastIndexOf('@') + 1);
  return host.includes(':') ? parseUri(aor).host : host;
}

/** All values of a header, lines and commas taken apart. */
export function listed(lines: HeaderLines, name: string): string[] {
  const values = allHeaders(lines, name);
  const [only] = values;
  return values.length === 1 && only !== undefined ? splitList(only) : values.flatMap((value) => splitList(value));
}
