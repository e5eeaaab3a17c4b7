import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { DialogError } from '../dialog/errors.js';
import type { Incoming } from '../dialog/incoming.js';
import { type Action, HandlerError, handlerQuery, parseAction, type RequestHandler } from './handlers.js';
import type { ControlSession } from './session.js';

export interface OutboundOptions {
  handlers: readonly RequestHandler[];
  /** For `tls://` apps and `https://` servers. */
  tls?: ConnectionOptions | undefined;
  /** Makes a session of a connection; undefined when there are too many. */
  adopt: (socket: Socket) => ControlSession | undefined;
  /** Apps that connected by themselves. */
  apps: () => Iterable<ControlSession>;
  /** Gives a request to an app. */
  hand: (incoming: Incoming, session: ControlSession) => void;
  /** Does what a `proxy` answer says. Throws DialogError when it can't. */
  proxy: (incoming: Incoming, action: Extract<Action, { type: 'proxy' }>) => void;
  log?: ((text: string) => void) | undefined;
}

/** What a web server may take for its answer, and how long that may be. */
const HTTP_TIMEOUT = 5_000;
const HTTP_BYTES = 65_536;
const CONNECT_TIMEOUT = 5_000;

/** drachtio's outbound mode: the engine connects to an app for each new request, or asks a web server what to do with it. */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #waiting = new Map<ControlSession, Incoming>();

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** Takes a new request if there is a handler for its method. An app that can't be reached makes it 480. */
  take(incoming: Incoming): boolean {
    const handler = this.#options.handlers.find(({ method }) => method === '*' || method === incoming.method);
    if (!handler) return false;
    const { url } = handler;
    if (url.protocol === 'http:' || url.protocol === 'https:') {
      this.#ask(handler, incoming).then(
        (action) => this.#act(incoming, action),
        (error: unknown) => this.#unavailable(incoming, error),
      );
    } else this.#connect(incoming, url.hostname.replace(/^\[|\]$/g, ''), Number(url.port), url.protocol === 'tls:');
    return true;
  }

  /** The app at the other end of a connection that was opened here showed the secret. */
  ready(session: ControlSession): void {
    const incoming = this.#waiting.get(session);
    this.#waiting.delete(session);
    if (incoming?.pending) this.#options.hand(incoming, session);
  }

  #connect(incoming: Incoming, host: string, port: number, tls: boolean): void {
    const socket = tls ? tlsConnect({ ...this.#options.tls, host, port }) : connect({ host, port });
    let session: ControlSession | undefined;
    socket.setTimeout(CONNECT_TIMEOUT, () => socket.destroy(new Error('connect timed out')));
    socket.once('error', (error) => this.#options.log?.(`outbound ${host}:${port}: ${error.message}`));
    socket.once('close', () => {
      const undelivered = session === undefined || this.#waiting.delete(session);
      if (undelivered) this.#unavailable(incoming, new Error('closed'));
    });
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      session = this.#options.adopt(socket);
      if (session) this.#waiting.set(session, incoming);
    });
  }

  #act(incoming: Incoming, action: Action): void {
    if (!incoming.pending) return;
    switch (action.type) {
      case 'reject':
        incoming.reject(action.status, [], action.reason);
        break;
      case 'redirect':
        incoming.reject(
          302,
          action.contacts.map((contact): [string, string] => [
            'Contact',
            contact.includes('<') ? contact : `<${contact}>`,
          ]),
        );
        break;
      case 'proxy':
        try {
          this.#options.proxy(incoming, action);
        } catch (error) {
          if (!(error instanceof DialogError)) throw error;
          this.#unavailable(incoming, error);
        }
        break;
      case 'connect':
        this.#connect(incoming, action.host, action.port, action.tls);
        break;
      case 'tag': {
        const session = [...this.#options.apps()].find((app) => app.ready && app.tags.includes(action.tag));
        if (session) this.#options.hand(incoming, session);
        else this.#unavailable(incoming, new Error(`no app with tag ${action.tag}`));
      }
    }
  }

  #unavailable(incoming: Incoming, error: unknown): void {
    if (!incoming.pending) return;
    this.#options.log?.(`outbound: ${error instanceof Error ? error.message : String(error)}`);
    incoming.reject(480);
  }

  #ask({ url, httpMethod }: RequestHandler, incoming: Incoming): Promise<Action> {
    const target = new URL(url);
    for (const [name, value] of handlerQuery(incoming.request, incoming.flow)) target.searchParams.set(name, value);
    const secure = url.protocol === 'https:';
    const body = httpMethod === 'POST' ? incoming.request.toBuffer() : undefined;
    const headers = body ? { 'content-type': 'message/sip', 'content-length': body.length } : {};
    return new Promise((resolve, reject) => {
      const options = { method: httpMethod, headers, signal: AbortSignal.timeout(HTTP_TIMEOUT) };
      const request = secure
        ? httpsRequest(target, { ...this.#options.tls, ...options })
        : httpRequest(target, options);
      request.once('error', reject);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.once('error', reject);
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > HTTP_BYTES) request.destroy(new HandlerError('the answer is too long'));
          else chunks.push(chunk);
        });
        response.once('end', () => {
          if (response.statusCode !== 200) {
            reject(new HandlerError(`the web server answered ${response.statusCode ?? 'nothing'}`));
            return;
          }
          try {
            resolve(parseAction(Buffer.concat(chunks).toString('utf8')));
          } catch (error) {
            reject(error);
          }
        });
      });
      request.end(body);
    });
  }
}
