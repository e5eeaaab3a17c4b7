import type { CallFace } from '../calls/incoming.js';
import { splitList } from '../grammar/list.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { parseUri } from '../grammar/uri.js';
import { allHeaders, firstHeader, type HeaderLines } from './header-lines.js';

interface Identity {
  readonly name?: string;
  readonly number?: string;
}

/**
 * What a phone may be shown of a call before it rings: caller as asserted (P-Asserted-Identity, RFC 3325; else Cisco's
 * Remote-Party-ID; else From), the called number, who diverted it (Diversion, RFC 5806), and whether the caller asked to stay
 * unknown (Privacy, RFC 3323; Remote-Party-ID's privacy parameter; an anonymous From).
 */
export function faceOf(lines: HeaderLines, requestUri: string, body: string): CallFace {
  const rpid = listed(lines, 'remote-party-id').find((value) => /;\s*party=calling\b/i.test(value));
  const from = firstHeader(lines, 'from') ?? '';
  const asserted = listed(lines, 'p-asserted-identity')[0] ?? rpid ?? from;
  const diversion = identity(listed(lines, 'diversion')[0]).number;
  const { name, number } = identity(asserted);
  return {
    ...(name === undefined ? {} : { callerName: name }),
    ...(number === undefined ? {} : { callerNumber: number }),
    calledNumber: userOf(requestUri) ?? '',
    video: /^m=video [1-9]/m.test(body),
    ...(diversion === undefined ? {} : { diversion }),
    privacy: wantsPrivacy(lines, rpid, from),
  };
}

function wantsPrivacy(lines: HeaderLines, rpid: string | undefined, from: string): boolean {
  const privacy = allHeaders(lines, 'privacy').join(';').toLowerCase();
  if (privacy.split(/[;,\s]+/).some((value) => ['id', 'user', 'header', 'name', 'uri', 'full'].includes(value)))
    return true;
  if (/;\s*privacy=(?!off\b)/i.test(rpid ?? '')) return true;
  return /anonymous(@|\.invalid)/i.test(from);
}

function identity(value: string | undefined): Identity {
  if (value === undefined || value === '') return {};
  try {
    const { display, uri } = parseNameAddr(value);
    const number = userOf(uri);
    return { ...(display ? { name: display } : {}), ...(number ? { number } : {}) };
  } catch {
    return {};
  }
}

function userOf(uri: string): string | undefined {
  if (uri === '') return undefined;
  try {
    const { user } = parseUri(uri);
    return user === undefined ? undefined : decodeURIComponent(user.split(';', 1)[0] ?? user);
  } catch {
    return undefined;
  }
}

function listed(lines: HeaderLines, name: string): string[] {
  return allHeaders(lines, name).flatMap((value) => splitList(value));
}
