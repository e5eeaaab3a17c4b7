import { GrammarError } from '../../grammar/error.js';
import { headerKey } from '../../grammar/header-names.js';
import { splitList } from '../../grammar/list.js';
import { formatNameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { randomCallId, randomTag } from '../../grammar/token.js';
import { formatUri, parseUri, type SipUri } from '../../grammar/uri.js';
import { SipRequest } from '../message/index.js';
import { applyDraft, draftHeader, type RequestDraft } from './draft.js';
import { DialogError } from './errors.js';
import { preloadRoutes } from './router.js';

/** Headers that a URI may not bring in (RFC 3261 section 19.1.5 calls them dangerous). */
const NOT_FROM_URI = new Set([
  'from',
  'to',
  'call-id',
  'cseq',
  'via',
  'record-route',
  'content-length',
  'max-forwards',
  'contact',
  'route',
]);

/**
 * A request outside any dialog, complete but for Via and Contact (RFC 3261 section 8.1.1), and its next hop. Headers behind `?` in the Request-URI
 * become headers and leave the URI: `?Route=` (percent-encoded, comma list) its Route set. From without a tag gets one.
 * Throws {@link DialogError}.
 */
export function createUacRequest(draft: RequestDraft): { request: SipRequest; nextHop: string } {
  const uri = parseTarget(draft.uri);
  const fromUri = uriHeaders(uri);
  uri.headers = '';
  uri.params.delete('method');
  const request = new SipRequest(draft.method, formatUri(uri));
  request.add('Max-Forwards', '70');
  request.add('From', withFromTag(draftHeader(draft, 'from') ?? '<sip:localhost>'));
  request.add('To', toOf(uri));
  request.add('Call-ID', randomCallId());
  request.add('CSeq', `1 ${draft.method}`);
  const headers = draft.headers.filter(([name]) => headerKey(name) !== 'from');
  applyDraft(request, { headers, body: draft.body }, true);
  const number = /^\s*(\d{1,10})/.exec(request.get('cseq') ?? '');
  request.set('CSeq', `${number && Number(number[1]) < 2 ** 31 ? Number(number[1]) : 1} ${draft.method}`);
  const routes: string[] = [];
  for (const [name, value] of fromUri) {
    const key = name.toLowerCase();
    if (key === 'route') routes.push(...splitList(value));
    else if (key === 'body') {
      if (request.body.length === 0) request.body = Buffer.from(value);
    } else if (!NOT_FROM_URI.has(key)) request.set(name, value);
  }
  const nextHop = preloadRoutes(request, routes);
  try {
    void request.to;
  } catch {
    throw new DialogError('invalid To header');
  }
  return { request, nextHop };
}

function parseTarget(text: string): SipUri {
  try {
    return parseUri(text);
  } catch (error) {
    if (error instanceof GrammarError) throw new DialogError(`invalid request-uri: ${text}`);
    throw error;
  }
}

/**
 * Where a URI with a `Route` header behind `?` says that a dialog's peer is now: the URI without it, and the routes, none when the
 * header is empty. Undefined for any other URI. Throws {@link DialogError}.
 */
export function newRouteIn(text: string): { target: string; routes: string[] } | undefined {
  if (!/\?(.*&)?route=/i.test(text)) return undefined;
  const uri = parseTarget(text);
  const given = uriHeaders(uri).filter(([name]) => name.toLowerCase() === 'route');
  uri.headers = '';
  return { target: formatUri(uri), routes: given.flatMap(([, value]) => splitList(value)).filter(Boolean) };
}

function uriHeaders(uri: SipUri): [string, string][] {
  if (!uri.headers) return [];
  return uri.headers
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      try {
        return [
          decodeURIComponent(equals < 0 ? pair : pair.slice(0, equals)),
          decodeURIComponent(equals < 0 ? '' : pair.slice(equals + 1)),
        ];
      } catch {
        throw new DialogError(`invalid request-uri: ${pair}`);
      }
    });
}

function withFromTag(text: string): string {
  try {
    const from = parseNameAddr(text);
    if (from.params.has('tag')) return text;
    from.params.set('tag', randomTag());
    return formatNameAddr(from);
  } catch {
    throw new DialogError('invalid From header');
  }
}

function toOf(uri: SipUri): string {
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return `<${formatUri(uri)}>`;
  const port = uri.port === undefined ? '' : `:${uri.port}`;
  return `<${uri.scheme}:${uri.user === undefined ? '' : `${uri.user}@`}${uri.host}${port}>`;
}
