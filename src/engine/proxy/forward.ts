import { splitList } from '../../grammar/list.js';
import { formatNameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { formatUri, parseUri, type SipUri } from '../../grammar/uri.js';
import { DialogError } from '../dialog/errors.js';
import { preloadRoutes } from '../dialog/router.js';
import type { SipRequest } from '../message/index.js';

export interface ForwardOptions {
  /** Headers for every branch; see {@link forwardedRequest}. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Whether a Request-URI names this proxy itself. */
  isOwn: (uri: SipUri) => boolean;
  /** The destination is a redirect's Contact: it takes the Request-URI's place in any case (RFC 3261 section 16.5). */
  redirected?: boolean;
}

/** Not the app's to change on a request that is passed on. */
const IMMUTABLE = new Set([
  'via',
  'v',
  'call-id',
  'i',
  'cseq',
  'max-forwards',
  'record-route',
  'content-length',
  'l',
  'content-type',
  'c',
]);
/** The app's values are added to these. */
const ADDED_TO = new Set(['supported', 'k', 'require', 'allow', 'proxy-require']);

/**
 * The request as it goes to one destination, without Via and Record-Route (RFC 3261 section 16.6), and its next hop.
 *
 * A Request-URI that names this proxy gives way to the destination; any other stays, and the destination is only the next hop. Headers of the app replace
 * what is there, Path goes on top, option tags are added, an empty value removes the header; From and To keep their tags. `Route` in the headers, or `?Route=`
 * in the destination, becomes the Route set, and its first value the next hop. Throws {@link DialogError} for a destination or header that can't be read.
 */
export function forwardedRequest(
  received: SipRequest,
  destination: string,
  options: ForwardOptions,
): { request: SipRequest; nextHop: string } {
  const request = received.clone();
  const target = readUri(destination);
  const routes = routesIn(target);
  target.headers = '';
  const hop = formatUri(target);
  dropOwnRoutes(request, options.isOwn);
  if (options.redirected || namesUs(received, options.isOwn)) request.uri = hop;
  request.set('Max-Forwards', String((received.maxForwards ?? 71) - 1));
  for (const [name, value] of options.headers) {
    if (name.toLowerCase() === 'route') routes.push(...splitList(value));
    else applyHeader(request, received, name, value);
  }
  return { request, nextHop: routes.length > 0 ? preloadRoutes(request, routes) : hop };
}

function applyHeader(request: SipRequest, received: SipRequest, name: string, value: string): void {
  const key = name.toLowerCase();
  if (IMMUTABLE.has(key)) return;
  if (value === '') {
    if (key !== 'from' && key !== 'f' && key !== 'to' && key !== 't') request.remove(name);
  } else if (key === 'path') request.prepend('Path', value);
  else if (key === 'from' || key === 'f') request.set('From', withTag(value, received.fromTag));
  else if (key === 'to' || key === 't') request.set('To', withTag(value, received.toTag));
  else if (ADDED_TO.has(key)) {
    const present = request.list(name);
    const missing = splitList(value).filter(
      (tag) => !present.some((other) => other.toLowerCase() === tag.toLowerCase()),
    );
    if (missing.length > 0) request.set(name, [...present, ...missing].join(', '));
  } else request.set(name, value);
}

function withTag(value: string, tag: string | undefined): string {
  try {
    const address = parseNameAddr(value);
    if (tag === undefined) address.params.delete('tag');
    else address.params.set('tag', tag);
    return formatNameAddr(address);
  } catch {
    throw new DialogError('invalid From or To header');
  }
}

/** Whether the Request-URI is an address of this proxy, so that it stands for no target. */
function namesUs(request: SipRequest, isOwn: (uri: SipUri) => boolean): boolean {
  try {
    return isOwn(request.parsedUri);
  } catch {
    return false;
  }
}

/** RFC 3261 section 16.4: the topmost Route values that name this proxy have done their work. */
function dropOwnRoutes(request: SipRequest, isOwn: (uri: SipUri) => boolean): void {
  for (;;) {
    const [first] = request.has('route') ? request.list('route') : [];
    if (first === undefined) return;
    try {
      if (!isOwn(parseUri(parseNameAddr(first).uri))) return;
    } catch {
      return;
    }
    request.removeFirst('route');
  }
}

function routesIn(target: SipUri): string[] {
  const routes: string[] = [];
  for (const pair of target.headers.split('&')) {
    if (!/^route=/i.test(pair)) continue;
    try {
      routes.push(...splitList(decodeURIComponent(pair.slice(6))));
    } catch {
      throw new DialogError(`error proxying request to ${formatUri(target)}`);
    }
  }
  return routes;
}

function readUri(text: string): SipUri {
  try {
    return parseUri(text);
  } catch {
    throw new DialogError(`error proxying request to ${text}`);
  }
}
