import { splitList } from '../grammar/list.js';
import { allHeaders, type HeaderLines } from './header-lines.js';

/** Where a call was meant to go and where it goes instead. */
export interface Retarget {
  /** The address it was for: `sip:2001@corp.example`. */
  readonly from: string;
  /** The response that stands for why it goes elsewhere. */
  readonly status: number;
  /** The new Request-URI. */
  readonly to: string;
}

/**
 * Header fields of an INVITE that goes to another target than it was for: a Diversion on top (RFC 5806), and History-Info that tells of
 * both (RFC 7044 section 10: the old target with the Reason, the new one as its child with `mp`, since another user is meant).
 */
export function retargeted(lines: HeaderLines, { from, status, to }: Retarget): HeaderLines {
  const others = lines.filter(([name]) => !/^(history-info|diversion)$/i.test(name));
  const diversions = allHeaders(lines, 'diversion').flatMap((value) => splitList(value));
  const history = allHeaders(lines, 'history-info').flatMap((value) => splitList(value));
  return [
    ...others,
    ['Diversion', `<${from}>;reason=${status === 486 ? 'user-busy' : 'unavailable'};counter=1`] as const,
    ...diversions.map((value) => ['Diversion', value] as const),
    ...withTargets(history, from, status, to).map((value) => ['History-Info', value] as const),
  ];
}

const INDEX = /;\s*index\s*=\s*([\d.]+)/i;

function withTargets(history: readonly string[], from: string, status: number, to: string): string[] {
  const reason = `Reason=${encodeURIComponent(`SIP;cause=${status}`)}`;
  const last = history.at(-1);
  const lastIndex = last === undefined ? undefined : INDEX.exec(last)?.[1];
  const same = last !== undefined && addressIn(last) === addressIn(`<${from}>`);
  const index = lastIndex === undefined ? '1' : same ? lastIndex : `${lastIndex}.1`;
  const before = same ? history.slice(0, -1) : history;
  return [...before, `<${from}?${reason}>;index=${index}`, `<${to}>;index=${index}.1;mp=${index}`];
}

/** The address in an entry, without parameters and headers. */
function addressIn(entry: string): string {
  return (/<([^>;?]*)/.exec(entry)?.[1] ?? '').toLowerCase();
}
