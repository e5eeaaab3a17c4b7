import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { ExecutionContext } from 'ava';

export interface StrangerRequest {
  readonly method: string;
  /** Request-URI; To, without a tag, is the same. */
  readonly uri: string;
  readonly from?: string;
  readonly to?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export interface StrangerAnswer {
  readonly status: number;
  readonly text: string;
}

/** Somebody at an address of his own who sends what he likes over UDP, each request once, and gets its final answer. */
export interface Stranger {
  /** What came of its own accord: requests. */
  readonly requests: readonly string[];
  /** Rejects after ten seconds without an answer. */
  ask(request: StrangerRequest): Promise<StrangerAnswer>;
  /** The header field that answers the last challenge in `answer`. */
  authorization(answer: StrangerAnswer, method: string, uri: string, username: string, password: string): string;
}

export async function stranger(
  t: Pick<ExecutionContext, 'teardown'>,
  address: string,
  server: { readonly host: string; readonly port: number },
): Promise<Stranger> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  t.teardown(() => socket.close());
  const waiting = new Map<string, (answer: StrangerAnswer) => void>();
  const requests: string[] = [];
  socket.on('message', (data) => {
    const text = data.toString();
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0);
    if (status === 0) requests.push(text);
    else if (status >= 200) waiting.get(/^Call-ID: (.*?)\r$/im.exec(text)?.[1] ?? '')?.({ status, text });
  });
  const { port } = socket.address();
  return {
    requests,
    ask({ method, uri, from = uri, to = uri, headers = [], body = '' }) {
      const callId = randomBytes(8).toString('hex');
      const text = [
        `${method} ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${callId};rport`,
        'Max-Forwards: 70',
        `From: <${from}>;tag=${callId}`,
        `To: <${to}>`,
        `Call-ID: ${callId}`,
        `CSeq: 1 ${method}`,
        `Contact: <sip:stranger@${address}:${port}>`,
        ...headers,
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n');
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no answer to ${method} ${uri}`)), 10_000);
        waiting.set(callId, (answer) => {
          clearTimeout(timer);
          waiting.delete(callId);
          resolve(answer);
        });
        socket.send(text, server.port, server.host);
      });
    },
    authorization({ text }, method, uri, username, password) {
      const realm = /realm="([^"]*)"/.exec(text)?.[1] ?? '';
      const nonce = /nonce="([^"]*)"/.exec(text)?.[1] ?? '';
      const hash = (value: string) => createHash('sha256').update(value).digest('hex');
      const ha1 = hash(`${username}:${realm}:${password}`);
      const response = hash(`${ha1}:${nonce}:00000001:abc:auth:${hash(`${method}:${uri}`)}`);
      return `Authorization: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="abc", response="${response}"`;
    },
  };
}
