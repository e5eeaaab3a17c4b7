import type { SipRequest } from '../message/index.js';
import type { Flow } from '../transport/index.js';

/** Whom the engine asks, or connects to, for new requests (drachtio's outbound mode). */
export interface RequestHandler {
  /** Upper case, or `*` for every method. */
  method: string;
  /** `tcp://host:port` or `tls://host:port`: an app to connect to; `http(s)://…`: a web server that says what to do. */
  url: URL;
  httpMethod: 'GET' | 'POST';
}

/** A request handler that can't be used; the text says why. */
export class HandlerError extends Error {
  override name = 'HandlerError';
}

/** Reads `[METHOD[:GET|:POST]=]URL`, as in `INVITE:POST=http://127.0.0.1:8080/route`. Throws {@link HandlerError}. */
export function parseHandler(text: string): RequestHandler {
  const match = /^(?:([A-Za-z*]+)(?::(GET|POST))?=)?((?:tcp|tls|https?):\/\/.+)$/i.exec(text);
  if (!match?.[3]) throw new HandlerError(`not a request handler: ${text}`);
  let url: URL;
  try {
    url = new URL(match[3]);
  } catch {
    throw new HandlerError(`not a URL: ${match[3]}`);
  }
  if ((url.protocol === 'tcp:' || url.protocol === 'tls:') && !url.port)
    throw new HandlerError(`a port is missing: ${text}`);
  return {
    method: (match[1] ?? '*').toUpperCase(),
    url,
    httpMethod: match[2]?.toUpperCase() === 'POST' ? 'POST' : 'GET',
  };
}

/** What a web server may say. */
export type Action =
  | { type: 'reject'; status: number; reason: string }
  | { type: 'redirect'; contacts: string[] }
  | {
      type: 'proxy';
      destinations: string[];
      recordRoute: boolean;
      followRedirects: boolean;
      simultaneous: boolean;
      provisionalTimeout: string;
      finalTimeout: string;
    }
  | { type: 'connect'; host: string; port: number; tls: boolean }
  | { type: 'tag'; tag: string };

/** Reads the JSON of a web server: `{"action":"reject","data":{"status":486}}` and so on. Throws {@link HandlerError}. */
export function parseAction(text: string): Action {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new HandlerError('the answer is no JSON');
  }
  const answer = record(parsed);
  const data = record(answer.data ?? {});
  switch (answer.action) {
    case 'reject': {
      const status = Number(data.status);
      if (!Number.isInteger(status) || status < 300 || status > 699) throw new HandlerError('reject needs a status');
      return { type: 'reject', status, reason: textOf(data.reason) };
    }
    case 'redirect':
      return { type: 'redirect', contacts: atLeastOne(data.contact, 'redirect needs a contact') };
    case 'proxy':
      return {
        type: 'proxy',
        destinations: atLeastOne(data.destination, 'proxy needs a destination'),
        recordRoute: data.recordRoute === true,
        followRedirects: data.followRedirects === true,
        simultaneous: data.simultaneous === true,
        provisionalTimeout: textOf(data.provisionalTimeout),
        finalTimeout: textOf(data.finalTimeout),
      };
    case 'route':
      return routeAction(data);
    default:
      throw new HandlerError('unknown action');
  }
}

function routeAction(data: Record<string, unknown>): Action {
  const tag = textOf(data.tag);
  if (tag) return { type: 'tag', tag };
  const match = /^(\[[^\]]+\]|[^:;]+):(\d{1,5})(;.*)?$/.exec(textOf(data.uri));
  if (!match?.[1]) throw new HandlerError('route needs a tag or a uri');
  return {
    type: 'connect',
    host: match[1].replace(/^\[|\]$/g, ''),
    port: Number(match[2]),
    tls: /;transport=tls(;|$)/i.test(match[3] ?? ''),
  };
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HandlerError('the answer is no object');
  return value as Record<string, unknown>;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function atLeastOne(value: unknown, missing: string): string[] {
  const list = (Array.isArray(value) ? value : [value]).filter(
    (item): item is string => typeof item === 'string' && item !== '',
  );
  if (list.length === 0) throw new HandlerError(missing);
  return list.slice(0, 64);
}

/** The query that tells a web server about a request; the Request-URI's own parameters are added. */
export function handlerQuery(request: SipRequest, flow: Flow): URLSearchParams {
  const query = new URLSearchParams({
    method: request.method,
    domain: safely(() => request.parsedUri.host),
    protocol: flow.protocol,
    source_address: flow.remote.address,
    fromUser: userOf(() => request.from.uri),
    toUser: userOf(() => request.to.uri),
    uriUser: safely(() => request.parsedUri.user ?? ''),
    contentType: request.get('content-type') ?? '',
    uri: request.uri,
  });
  try {
    for (const [name, value] of request.parsedUri.params) if (!query.has(name)) query.set(name, value ?? '');
  } catch {
    return query;
  }
  return query;
}

function userOf(uri: () => string): string {
  return safely(() => /^[^:]+:([^@]*)@/.exec(uri())?.[1] ?? '');
}

function safely(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
