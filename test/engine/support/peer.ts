import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  createResponse,
  parseMessage,
  type SipMessage,
  SipRequest,
  type SipResponse,
} from '../../../src/engine/message/index.js';
import { parseNameAddr } from '../../../src/grammar/name-addr.js';
import { randomBranch, randomCallId, randomTag } from '../../../src/grammar/token.js';

export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0',
  'a=sendrecv',
  '',
].join('\r\n');

export interface RequestParts {
  headers?: Record<string, string | readonly string[]>;
  body?: string;
  from?: string;
  to?: string;
  callId?: string;
  cseq?: number;
  branch?: string;
}

interface Waiter {
  filter: (message: SipMessage) => boolean;
  resolve: (message: SipMessage) => void;
}

const PATIENCE = 8_000;

function uriOf(contact: string | undefined): string | undefined {
  return contact === undefined ? undefined : parseNameAddr(contact).uri;
}

/** A SIP endpoint that does only what a test tells it: sends messages as given, keeps what comes until it is asked for. */
export class Peer {
  readonly received: SipMessage[] = [];
  /** Drop retransmissions: a message whose text came before. */
  readonly #seen = new Set<string>();
  readonly #unread: SipMessage[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #closers: (() => void)[] = [];
  #write: (data: Buffer, port: number) => void = () => undefined;

  private constructor(
    readonly protocol: 'UDP' | 'TCP',
    readonly port: number,
  ) {}

  static async udp(): Promise<Peer> {
    const socket: DatagramSocket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const peer = new Peer('UDP', socket.address().port);
    socket.on('message', (data) => peer.#take(data));
    peer.#write = (data, port) => socket.send(data, port, '127.0.0.1');
    peer.#closers.push(() => socket.close());
    return peer;
  }

  /** Connects to `port` for what it sends; also listens, on the port in its Contact. */
  static async tcp(): Promise<Peer> {
    const sockets = new Map<number, Socket>();
    const open = new Set<Socket>();
    let last: Socket | undefined;
    const server: Server = createServer((socket) => use(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const peer = new Peer('TCP', address && typeof address === 'object' ? address.port : 0);
    function use(socket: Socket): void {
      open.add(socket);
      last = socket;
      let buffer = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
      socket.on('data', (chunk) => {
        last = socket;
        buffer = Buffer.concat([buffer, chunk]);
        for (;;) {
          const end = buffer.indexOf('\r\n\r\n');
          if (end < 0) return;
          const length = Number(/content-length:\s*(\d+)/i.exec(buffer.toString('utf8', 0, end))?.[1] ?? 0);
          if (buffer.length < end + 4 + length) return;
          peer.#take(buffer.subarray(0, end + 4 + length));
          buffer = buffer.subarray(end + 4 + length);
        }
      });
    }
    peer.#write = (data, port) => {
      let socket = sockets.get(port);
      if (!socket && last && !last.destroyed && port === -1) socket = last;
      if (!socket || socket.destroyed) {
        socket = connect(port, '127.0.0.1');
        sockets.set(port, socket);
        use(socket);
      }
      socket.write(data);
    };
    peer.#closers.push(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    peer.dropConnections = () => {
      for (const socket of open) socket.destroy();
    };
    return peer;
  }

  /** TCP: closes every connection. */
  dropConnections: () => void = () => undefined;

  get contact(): string {
    return `<sip:peer@127.0.0.1:${this.port}${this.protocol === 'TCP' ? ';transport=tcp' : ''}>`;
  }

  close(): void {
    for (const close of this.#closers) close();
  }

  /** Builds a request of this endpoint. */
  request(method: string, uri: string, parts: RequestParts = {}): SipRequest {
    const request = new SipRequest(method, uri);
    const via = `SIP/2.0/${this.protocol} 127.0.0.1:${this.port};branch=${parts.branch ?? randomBranch()};rport`;
    request.add('Via', via);
    request.add('Max-Forwards', '70');
    request.add('From', parts.from ?? `<sip:alice@127.0.0.1>;tag=${randomTag()}`);
    request.add('To', parts.to ?? `<${uri.split(';')[0]}>`);
    request.add('Call-ID', parts.callId ?? randomCallId());
    request.add('CSeq', `${parts.cseq ?? 1} ${method}`);
    if (method === 'INVITE' || method === 'UPDATE' || method === 'SUBSCRIBE') request.add('Contact', this.contact);
    this.#fill(request, parts);
    return request;
  }

  /** A request inside the dialog that this endpoint opened with `invite` and its `response`. */
  inDialog(method: string, invite: SipRequest, response: SipResponse, parts: RequestParts = {}): SipRequest {
    const target = uriOf(response.get('contact')) ?? invite.uri;
    const request = this.request(method, target, {
      from: invite.get('from') ?? '',
      to: response.get('to') ?? '',
      callId: invite.callId,
      cseq: invite.cseq.number + (method === 'ACK' ? 0 : 1),
      ...parts,
    });
    const routes = response.list('record-route').reverse();
    if (routes.length > 0) request.set('Route', routes);
    return request;
  }

  /** A request inside the dialog that the other side opened with `invite`, which this endpoint answered with `response`. */
  backwards(method: string, invite: SipRequest, response: SipResponse, parts: RequestParts = {}): SipRequest {
    const target = uriOf(invite.get('contact')) ?? '';
    const request = this.request(method, target, {
      from: response.get('to') ?? '',
      to: invite.get('from') ?? '',
      callId: invite.callId,
      cseq: 100,
      ...parts,
    });
    const routes = invite.list('record-route');
    if (routes.length > 0) request.set('Route', routes);
    return request;
  }

  send(message: SipMessage, port: number): void {
    this.#write(message.toBuffer(), port);
  }

  /** Answers a request where it came from. */
  reply(
    request: SipRequest,
    status: number,
    parts: RequestParts & { tag?: string; reason?: string } = {},
  ): SipResponse {
    const response = createResponse(
      request,
      status,
      parts.reason,
      status > 100 ? (parts.tag ?? 'peer-tag') : undefined,
    );
    for (const route of request.all('record-route')) response.add('Record-Route', route);
    if (request.method === 'INVITE' && status > 100 && status < 300) response.add('Contact', this.contact);
    this.#fill(response, parts);
    const { via } = request;
    this.#write(
      response.toBuffer(),
      this.protocol === 'TCP' ? -1 : Number(via.params.get('rport') || via.port || 5060),
    );
    return response;
  }

  /** The next message that fits, of those not yet asked for. */
  next(filter: (message: SipMessage) => boolean): Promise<SipMessage> {
    const index = this.#unread.findIndex(filter);
    const found = this.#unread[index];
    if (found) {
      this.#unread.splice(index, 1);
      return Promise.resolve(found);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(
              `nothing fitting came; unread: ${this.#unread.map((m) => m.toString().split('\r\n')[0]).join(' | ')}`,
            ),
          ),
        PATIENCE,
      );
      this.#waiters.push({
        filter,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      });
    });
  }

  async nextRequest(method: string): Promise<SipRequest> {
    const message = await this.next((candidate) => candidate.kind === 'request' && candidate.method === method);
    if (message.kind !== 'request') throw new Error('not a request');
    return message;
  }

  /** A call that is answered with 200, acknowledged and hung up at once. Settles with the 200 to BYE. */
  async wholeCall(uri: string, port: number): Promise<void> {
    const invite = this.request('INVITE', uri, { body: SDP });
    this.send(invite, port);
    const ok = await this.nextResponse(200, 'INVITE');
    this.send(this.inDialog('ACK', invite, ok), port);
    this.send(this.inDialog('BYE', invite, ok), port);
    await this.nextResponse(200, 'BYE');
  }

  async nextResponse(status: number, method?: string): Promise<SipResponse> {
    const message = await this.next(
      (candidate) =>
        candidate.kind === 'response' && candidate.status === status && (!method || candidate.cseq.method === method),
    );
    if (message.kind !== 'response') throw new Error('not a response');
    return message;
  }

  /** How many messages that fit came so far, retransmissions not counted. */
  count(filter: (message: SipMessage) => boolean): number {
    return this.received.filter(filter).length;
  }

  #fill(message: SipMessage, parts: RequestParts): void {
    for (const [name, value] of Object.entries(parts.headers ?? {})) message.set(name, value);
    if (parts.body === undefined) return;
    message.body = Buffer.from(parts.body);
    if (!message.has('content-type')) message.set('Content-Type', 'application/sdp');
  }

  #take(data: Buffer): void {
    if (data.toString('latin1').trim() === '') return;
    const message = parseMessage(Buffer.from(data));
    const text = message.toString();
    if (this.#seen.has(text)) return;
    this.#seen.add(text);
    this.received.push(message);
    const index = this.#waiters.findIndex((waiter) => waiter.filter(message));
    const waiter = this.#waiters[index];
    if (waiter) {
      this.#waiters.splice(index, 1);
      waiter.resolve(message);
    } else this.#unread.push(message);
  }
}
