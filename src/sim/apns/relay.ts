import net from 'node:net';

/** Stands before a TCP server and can stop passing anything on, as a firewall does that has forgotten a connection. */
export class Relay {
  readonly server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #frozen = false;

  /** @param target the port behind, on the same host, asked for at each connection */
  constructor(target: () => { readonly host: string; readonly port: number }) {
    this.server = net.createServer({ pauseOnConnect: true }, (near) => {
      const far = net.connect(target());
      for (const socket of [near, far]) this.#adopt(socket, socket === near ? far : near);
    });
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** From now on nothing passes, either way; connections stay open. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Everything passes again, what was held back first. */
  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #adopt(socket: net.Socket, other: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      if (other.write(chunk)) return;
      socket.pause();
      other.once('drain', () => {
        if (!this.#frozen) socket.resume();
      });
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
    if (this.#frozen) socket.pause();
    else socket.resume();
  }
}
