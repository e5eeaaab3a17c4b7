import net from 'node:net';

/** Stands before a TCP server and can stop passing anything on, as a firewall does that has forgotten a connection. */
export class Relay {
  readonly server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #stuck = new WeakSet<net.Socket>();
  #frozen = false;

  /** @param target the port behind, on the same host, asked for at each connection */
  constructor(target: () => { readonly host: string; readonly port: number }) {
    this.server = net.createServer({ pauseOnConnect: true }, (near) => {
      const far = net.connect(target());
      for (const socket of [near, far]) this.#adopt(socket, socket === near ? far : near);
    });
  }

  /** From now on nothing passes over the connections there are, and over new ones if `all`; they stay open. */
  freeze(all: boolean): void {
    this.#frozen = all;
    for (const socket of this.#sockets) this.#stop(socket);
  }

  /** Everything passes again, what was held back first. */
  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) {
      this.#stuck.delete(socket);
      socket.resume();
    }
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
        if (!this.#stuck.has(socket)) socket.resume();
      });
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
    if (this.#frozen) this.#stop(socket);
    else socket.resume();
  }

  #stop(socket: net.Socket): void {
    this.#stuck.add(socket);
    socket.pause();
  }
}
