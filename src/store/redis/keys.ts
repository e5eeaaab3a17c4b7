import { createHash } from 'node:crypto';

/** How many parts the index of AORs is in, so that it is spread over a cluster. */
export const INDEX_PARTS = 64;

/** The names of keys in Redis. All that belongs to one AOR has the AOR as its hash tag, so that scripts find it in one slot. */
export class Keys {
  constructor(readonly prefix: string) {}

  /** String: devices of an AOR. */
  devices(aor: string): string {
    return `${this.prefix}{${tag(aor)}}:devices`;
  }

  /** Hash: which node holds a call for the AOR, by call UUID. */
  holders(aor: string): string {
    return `${this.prefix}{${tag(aor)}}:holders`;
  }

  /** Hash: the journal of the AOR's calls, by what tells them apart. */
  calls(aor: string): string {
    return `${this.prefix}{${tag(aor)}}:calls`;
  }

  /** String, expires: what is left of the pushes that a device of the AOR may have. */
  pushes(aor: string, device: string): string {
    return `${this.prefix}{${tag(aor)}}:pushes:${device}`;
  }

  /** String: the form of all that is under the prefix. */
  schema(): string {
    return `${this.prefix}schema`;
  }

  /** Sorted set of AORs with devices, one of {@link INDEX_PARTS}. */
  index(part: number): string {
    return `${this.prefix}index:${part}`;
  }

  /** The part of the index that an AOR is in. */
  partOf(aor: string): number {
    return createHash('sha1').update(aor).digest().readUInt8(0) % INDEX_PARTS;
  }

  /** Set: keys of the calls in a node's journal. */
  journal(node: string): string {
    return `${this.prefix}journal:${node}`;
  }

  /** Hash with version and value. */
  shared(key: string): string {
    return `${this.prefix}shared:${key}`;
  }

  /** Hash of the records of a table; with `order`, the sorted set of their keys. */
  table(name: string, part: 'values' | 'order'): string {
    return `${this.prefix}table:{${tag(name)}}:${part}`;
  }

  /** Hash of the entries of a queue; with `order`, the sorted set of their positions. */
  queue(name: string, part: 'values' | 'order'): string {
    return `${this.prefix}queue:{${tag(name)}}:${part}`;
  }

  /** Set: the names of queues that may hold something. */
  queues(): string {
    return `${this.prefix}queues`;
  }

  /** String, gone when the node is: who runs. */
  node(name: string): string {
    return `${this.prefix}node:${name}`;
  }

  /** Set: the names of nodes that ran lately. */
  nodes(): string {
    return `${this.prefix}nodes`;
  }

  /** Channel that a node listens on. */
  channel(node: string): string {
    return `${this.prefix}to:${node}`;
  }
}

/** A hash tag ends at the first brace. */
function tag(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('{', '%7B').replaceAll('}', '%7D');
}
