import { parseNameAddr } from '../grammar/name-addr.js';
import { aorOf, parseUri } from '../grammar/uri.js';
import { firstHeader, type HeaderLines } from './header-lines.js';

const PUSH_PARAM = /;\s*pn-[\w-]+(\s*=\s*("[^"]*"|[^;>,\s?]*))?/gi;
/** What only the trusted side may say of who calls, whom the call was for before, and who pays (RFC 3325, 5806, 7044, 5502, 7315, 8224). */
const ASSERTED: ReadonlySet<string> = new Set([
  'p-asserted-identity',
  'p-preferred-identity',
  'remote-party-id',
  'diversion',
  'cc-diversion',
  'history-info',
  'identity',
  'p-called-party-id',
  'p-served-user',
  'p-profile-key',
  'p-charging-vector',
  'p-charging-function-addresses',
  'p-visited-network-id',
]);

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
 * Header fields of a phone's message without what only the trusted side may assert (RFC 3325 section 5), and without what callwake says
 * itself. A Privacy that the phone asks for stays.
 */
export function withoutAssertions(lines: HeaderLines): HeaderLines {
  return lines.filter(([name]) => {
    const lower = name.toLowerCase();
    return !ASSERTED.has(lower) && !lower.startsWith('x-callwake-');
  });
}

/** Header fields of a phone's response: what it asserts of who was reached is replaced by what callwake knows. */
export function withConnectedIdentity(lines: HeaderLines, aor: string): HeaderLines {
  const kept = withoutAssertions(lines);
  const asserted = lines.some(([name]) => CONNECTED.test(name));
  return asserted ? [...kept, ['P-Asserted-Identity', `<${aor}>`]] : kept;
}

const CONNECTED = /^(p-asserted-identity|p-preferred-identity|remote-party-id)$/i;

/**
 * Header fields of a call as phones may see them: they are outside the trust domain, so a caller who asked for privacy stays unknown
 * there (RFC 3325 section 7, RFC 3323 section 4.2).
 */
export function withPrivacy(lines: HeaderLines): HeaderLines {
  const asked = lines
    .filter(([name]) => /^privacy$/i.test(name))
    .flatMap(([, value]) => value.toLowerCase().split(/[;,\s]+/));
  return lines.filter(([name, value]) => {
    if (/^p-asserted-identity$/i.test(name)) return !asked.includes('id');
    return !/^remote-party-id$/i.test(name) || !/;\s*privacy=(?!off\b)/i.test(value);
  });
}

/**
 * Header fields of a device's INVITE as they may go on: what the device asserts of itself is taken out, what callwake knows put in
 * (RFC 3325 section 5: P-Asserted-Identity comes from the trusted side only). A Privacy that the device asks for stays.
 */
export function withIdentity(lines: HeaderLines, aor: string): HeaderLines {
  const kept = withoutAssertions(lines).map(([name, value]) => [name, withoutPushParams(value)] as const);
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
