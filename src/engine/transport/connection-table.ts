import type { StreamConnection } from './stream-connection.js';
import type { Endpoint, Protocol } from './types.js';

function keyOf(protocol: Protocol, remote: Endpoint, serverName: string): string {
  return `${protocol} ${remote.address} ${remote.port} ${serverName}`;
}

/** All connections, found by where they lead. */
export class ConnectionTable {
  private readonly byTarget = new Map<string, StreamConnection>();
  private readonly keys = new Map<StreamConnection, string | undefined>();

  get size(): number {
    return this.keys.size;
  }

  /** A live connection that leads there. TLS connections are shared only for the same certificate name. */
  find(protocol: Protocol, remote: Endpoint, serverName = ''): StreamConnection | undefined {
    const found = this.byTarget.get(keyOf(protocol, remote, serverName));
    return found?.alive ? found : undefined;
  }

  /** `reusable`: {@link find} may give it for its remote end. */
  add(connection: StreamConnection, reusable: boolean, serverName = ''): void {
    const key = reusable ? keyOf(connection.protocol, connection.remote, serverName) : undefined;
    this.keys.set(connection, key);
    if (key !== undefined) this.byTarget.set(key, connection);
  }

  remove(connection: StreamConnection): void {
    const key = this.keys.get(connection);
    this.keys.delete(connection);
    if (key !== undefined && this.byTarget.get(key) === connection) this.byTarget.delete(key);
  }

  [Symbol.iterator](): IterableIterator<StreamConnection> {
    return this.keys.keys();
  }
}
