/** How often one client may ask for the same verb and gain weight by it. srf repeats all its verbs whenever one is added. */
const MAX_WEIGHT = 64;

interface Rotation<C> {
  clients: C[];
  next: number;
}

/** Who wants which verb. Each verb goes round robin; a client that asked for it twice gets two turns. */
export class RouteTable<C> {
  #verbs = new Map<string, Rotation<C>>();

  add(verb: string, client: C): void {
    let rotation = this.#verbs.get(verb);
    if (!rotation) {
      rotation = { clients: [], next: 0 };
      this.#verbs.set(verb, rotation);
    }
    let weight = 0;
    for (const other of rotation.clients) if (other === client) weight++;
    if (weight < MAX_WEIGHT) rotation.clients.push(client);
  }

  /** Takes the client, with all its weight, off that one verb. */
  remove(verb: string, client: C): void {
    const rotation = this.#verbs.get(verb);
    if (!rotation) return;
    rotation.clients = rotation.clients.filter((other) => other !== client);
    if (rotation.clients.length === 0) this.#verbs.delete(verb);
  }

  /** Takes the client off every verb. */
  removeClient(client: C): void {
    for (const verb of [...this.#verbs.keys()]) this.remove(verb, client);
  }

  has(verb: string): boolean {
    return this.#verbs.has(verb);
  }

  /** The client whose turn it is among those that `accept` lets through; undefined when there is none. */
  next(verb: string, accept: (client: C) => boolean = () => true): C | undefined {
    const rotation = this.#verbs.get(verb);
    if (!rotation) return undefined;
    const count = rotation.clients.length;
    for (let i = 0; i < count; i++) {
      const index = (rotation.next + i) % count;
      const client = rotation.clients[index];
      if (client === undefined || !accept(client)) continue;
      rotation.next = (index + 1) % count;
      return client;
    }
    return undefined;
  }
}
