import net from 'node:net';
import tls from 'node:tls';
import { type ProxyCredentials, proxyAuthorization } from './proxy-auth.js';

/** An HTTP or HTTPS proxy that lets CONNECT through (RFC 9110 section 9.3.6). */
export interface ProxyOptions {
  readonly host: string;
  readonly port: number;
  /** TLS to the proxy itself. Default: false. */
  readonly tls?: boolean;
  /** PEM certificates to trust for that, instead of the system's. */
  readonly ca?: string;
  readonly credentials?: ProxyCredentials;
}

interface ConnectAnswer {
  readonly status: number;
  readonly challenges: readonly string[];
}

const HEADER_LIMIT = 16_384;

/**
 * Opens tunnels through a proxy. A first request goes without credentials, so that a password is only ever told in the form the proxy asks for.
 */
export class Tunnel {
  readonly #proxy: ProxyOptions;
  readonly #target: string;
  #socket: net.Socket | undefined;
  #aborted = false;

  /** @param target `host:port` */
  constructor(proxy: ProxyOptions, target: string) {
    this.#proxy = proxy;
    this.#target = target;
  }

  /** @throws {Error} that says what the proxy answered or what went wrong on the way to it */
  async open(): Promise<net.Socket> {
    const first = await this.#ask(undefined);
    if (first.status === 200) return first.socket;
    const { credentials } = this.#proxy;
    const authorization =
      credentials && first.status === 407 ? proxyAuthorization(first.challenges, credentials, this.#target) : undefined;
    first.socket.destroy();
    if (first.status !== 407) throw new Error(`the proxy answered ${first.status}`);
    if (!credentials) throw new Error('the proxy asks for a password');
    if (!authorization) throw new Error('the proxy offers neither Basic nor Digest authentication');
    const second = await this.#ask(authorization);
    if (second.status === 200) return second.socket;
    second.socket.destroy();
    throw new Error(second.status === 407 ? 'the proxy refused the password' : `the proxy answered ${second.status}`);
  }

  abort(): void {
    this.#aborted = true;
    this.#socket?.destroy();
  }

  async #ask(authorization: string | undefined): Promise<ConnectAnswer & { readonly socket: net.Socket }> {
    if (this.#aborted) throw new Error('given up');
    const { host, port, ca } = this.#proxy;
    const socket = this.#proxy.tls
      ? tls.connect({ host, port, servername: net.isIP(host) ? '' : host, ...(ca === undefined ? {} : { ca }) })
      : net.connect({ host, port });
    this.#socket = socket;
    const lines = [`CONNECT ${this.#target} HTTP/1.1`, `Host: ${this.#target}`, 'User-Agent: callwake'];
    if (authorization !== undefined) lines.push(`Proxy-Authorization: ${authorization}`);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return { ...(await answerFrom(socket)), socket };
  }
}

function answerFrom(socket: net.Socket): Promise<ConnectAnswer> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const onClose = () => reject(new Error('the proxy closed the connection'));
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) {
        if (text.length > HEADER_LIMIT) fail(new Error("the proxy's answer is too long"));
        return;
      }
      const answer = parseAnswer(text.slice(0, end));
      if (!answer) {
        fail(new Error("the proxy's answer isn't HTTP"));
        return;
      }
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
      // TLS begins with the client: nothing of the tunnel can have come yet but from a proxy that lies.
      resolve(answer);
    };
    socket.on('data', onData);
    socket.on('error', (error) => reject(new Error(`proxy: ${error.message}`)));
    socket.on('close', onClose);
  });
}

function parseAnswer(head: string): ConnectAnswer | undefined {
  const [first = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const challenges = lines.flatMap((line) => /^proxy-authenticate:(.*)$/i.exec(line)?.[1] ?? []);
  return { status: Math.floor(Number(status) / 100) === 2 ? 200 : Number(status), challenges };
}
