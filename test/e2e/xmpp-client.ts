import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { type Element, xml } from '@xmpp/component';

/** A user's XMPP client (RFC 6120), without TLS: as much of one as a test needs. */
export class XmppClient {
  readonly #socket: Socket;
  readonly #domain: string;
  readonly #stanzas: Element[] = [];
  readonly #listeners = new Set<() => void>();
  #parser: { write(data: string): void } = { write: () => {} };
  #ids = 0;

  private constructor(socket: Socket, domain: string) {
    this.#socket = socket;
    this.#domain = domain;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#parser.write(text));
    socket.on('error', () => {});
    socket.on('close', () => this.#look());
  }

  /** Logs in and becomes available. Rejects when the server refuses. */
  static async login(port: number, user: string, domain: string): Promise<XmppClient> {
    const socket = createConnection(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new XmppClient(socket, domain);
    await client.#open();
    const response = Buffer.from(`\0${user}\0${user}`).toString('base64');
    client.#write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${response}</auth>`);
    const answer = await client.next((element) => element.is('success') || element.is('failure'));
    if (!answer.is('success')) throw new Error(`no login: ${answer}`);
    await client.#open();
    await client.iq('set', xml('bind', { xmlns: 'urn:ietf:params:xml:ns:xmpp-bind' }, xml('resource', {}, 'phone')));
    client.#write('<presence/>');
    return client;
  }

  /** The answer to a request, result or error. Without `to` it is for the user's own account. */
  async iq(type: 'get' | 'set', payload: Element, to?: string): Promise<Element> {
    this.#ids++;
    const id = `test-${this.#ids}`;
    this.#write(xml('iq', { type, id, to }, payload).toString());
    return this.next((element) => element.is('iq') && element.attrs.id === id);
  }

  message(to: string, body: string): void {
    this.#write(xml('message', { to, type: 'chat' }, xml('body', {}, body)).toString());
  }

  /** The first stanza of that kind that came or comes. Rejects when the connection ends before. */
  next(wanted: (element: Element) => boolean): Promise<Element> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const index = this.#stanzas.findIndex(wanted);
        const [found] = index < 0 ? [] : this.#stanzas.splice(index, 1);
        if (found === undefined && !this.#socket.destroyed) return;
        this.#listeners.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error('the server closed the connection'));
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** The app is ended: the user is offline when this settles. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.end('</stream:stream>');
    await closed;
  }

  async #open(): Promise<void> {
    const parser = new xml.Parser();
    parser.on('element', (element: Element) => {
      this.#stanzas.push(element);
      this.#look();
    });
    parser.on('error', () => this.#socket.destroy());
    this.#parser = parser;
    this.#write(
      `<?xml version='1.0'?><stream:stream to='${this.#domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
    );
    await this.next((element) => element.is('features'));
  }

  #write(text: string): void {
    this.#socket.write(text);
  }

  #look(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
