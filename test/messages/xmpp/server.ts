import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** An XMPP server's port for components (XEP-0114), which does only what a test tells it. */
export class ComponentServer {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #listeners = new Set<() => void>();
  /** What came, of all connections. */
  got = '';

  private constructor(
    server: Server,
    readonly port: number,
    /** Takes the handshake; otherwise it says nothing at all. */
    readonly takes: boolean,
  ) {
    this.#server = server;
    server.on('connection', (socket) => this.#take(socket));
  }

  static async start({ takes = true, port = 0 } = {}): Promise<ComponentServer> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    return new ComponentServer(server, address.port, takes);
  }

  get connections(): number {
    return this.#sockets.length;
  }

  /** Writes to the latest connection. */
  write(data: string | Uint8Array): void {
    this.#sockets.at(-1)?.write(data);
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#sockets.at(-1)?.pause();
  }

  cut(): void {
    this.#sockets.at(-1)?.destroy();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#listeners.add(resolve);
      });
      this.#listeners.clear();
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #take(socket: Socket): void {
    this.#sockets.push(socket);
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (text: string) => {
      this.got += text;
      if (this.takes && text.includes('<stream:stream')) {
        socket.write(
          "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='push.corp.example' id='abc'>",
        );
      }
      const [, digest] = /<handshake>(\w+)<\/handshake>/.exec(text) ?? [];
      if (digest === createHash('sha1').update('abcsecret').digest('hex')) socket.write('<handshake/>');
      for (const listener of [...this.#listeners]) listener();
    });
    for (const listener of [...this.#listeners]) listener();
  }
}
