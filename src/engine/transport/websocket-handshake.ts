import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

function headersOf(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function includes(value: string | undefined, word: string): boolean {
  return (value ?? '').split(',').some((part) => part.trim().toLowerCase() === word);
}

/** The HTTP answer to a client's opening handshake (RFC 6455 section 4.2, RFC 7118 section 4), and whether it lets the client in. */
export function answerHandshake(head: string): { accepted: boolean; response: string } {
  const headers = headersOf(head);
  const refuse = (status: string, extra = '') => ({
    accepted: false,
    response: `HTTP/1.1 ${status}\r\n${extra}Connection: close\r\nContent-Length: 0\r\n\r\n`,
  });
  if (!/^GET \S+ HTTP\/1\.1(\r\n|$)/.test(head)) return refuse('405 Method Not Allowed', 'Allow: GET\r\n');
  if (!includes(headers.get('upgrade'), 'websocket') || !includes(headers.get('connection'), 'upgrade')) {
    return refuse('426 Upgrade Required', 'Upgrade: websocket\r\n');
  }
  if (headers.get('sec-websocket-version') !== '13')
    return refuse('426 Upgrade Required', 'Sec-WebSocket-Version: 13\r\n');
  const key = headers.get('sec-websocket-key') ?? '';
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) return refuse('400 Bad Request');
  if (!includes(headers.get('sec-websocket-protocol'), 'sip')) return refuse('400 Bad Request');
  const response =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${acceptOf(key)}\r\nSec-WebSocket-Protocol: sip\r\n\r\n`;
  return { accepted: true, response };
}

/** A client's opening handshake, and the check of the answer. */
export function openHandshake(host: string): { request: string; accepts(head: string): boolean } {
  const key = randomBytes(16).toString('base64');
  const request =
    `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n`;
  const accepts = (head: string) => {
    const headers = headersOf(head);
    return (
      /^HTTP\/1\.1 101\b/.test(head) &&
      headers.get('sec-websocket-accept') === acceptOf(key) &&
      includes(headers.get('sec-websocket-protocol'), 'sip')
    );
  };
  return { request, accepts };
}
