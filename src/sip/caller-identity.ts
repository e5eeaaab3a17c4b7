import { parseNameAddr } from '../grammar/name-addr.js';
import { aorOf, parseUri } from '../grammar/uri.js';
import { firstHeader, type HeaderLines } from './header-lines.js';

const PUSH_PARAM = /;\s*pn-[\w-]+(\s*=\s*("[^"]*"|[^;>,\s?]*))?/gi;
const IDENTITY = /^(p-asserted-identity|p-preferred-identity|remote-party-id|x-callwake-.*)$/i;

/** Text of a header without push parameters (RFC 8599 and pn-purr): they are nobody's business beyond the phone's own registrar. */
export function withoutPushParams(value: string): string {
  return value.includes('pn-') ? value.replace(PUSH_PARAM, '') : value;
}

/**
 * Who a device says that it calls for: the address of record in From or, when that is anonymous, in P-Preferred-Identity
 * (RFC 3325 9.2). Undefined when neither can be read.
 */
export function claimedAor(lines: HeaderLines): string | undefined {
  const from = aorIn(firstHeader(lines, 'from'));
  if (from !== undefined && !/anonymous/i.test(from)) return from;
  return aorIn(firstHeader(lines, 'p-preferred-identity')) ?? from;
}

/**
 * Header fields of a device's INVITE as they may go on: what the device asserts of itself is taken out, what callwake knows put in
 * (RFC 3325 section 5: P-Asserted-Identity comes from the trusted side only). A Privacy that the device asks for stays.
 */
export function withIdentity(lines: HeaderLines, aor: string): HeaderLines {
  const kept = lines
    .filter(([name]) => !IDENTITY.test(name))
    .map(([name, value]) => [name, withoutPushParams(value)] as const);
  return [...kept, ['P-Asserted-Identity', `<${aor}>`]];
}

function aorIn(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return aorOf(parseUri(parseNameAddr(value).uri));
  } catch {
    return undefined;
  }
}
