import { readFileSync } from 'node:fs';

/** What of one kind there is in a heap: objects by the name of their class, strings, arrays, functions by their name. */
export interface HeapKind {
  readonly count: number;
  readonly bytes: number;
}

/** A heap as a snapshot of V8 shows it. */
export interface Heap {
  /** Bytes of what the program made: objects, strings, arrays, closures. */
  readonly own: number;
  /** Bytes of what V8 made for itself: compiled code, what it has learnt of types, shapes of objects. It grows for hours. */
  readonly machinery: number;
  /** The parts of `own`. */
  readonly kinds: ReadonlyMap<string, HeapKind>;
}

/** What a process has kept between two moments of rest. */
export interface HeapChange {
  readonly role: string;
  readonly before: Pick<Heap, 'own' | 'machinery'>;
  readonly after: Pick<Heap, 'own' | 'machinery'>;
  /** Calls and other things done in between. */
  readonly actions: number;
  /** The kinds that grew most, the first by most bytes. */
  readonly grown: readonly (HeapKind & { readonly name: string })[];
  /** More was kept than for another reason than a leak. */
  readonly leaks: boolean;
}

const OWN = new Set(['array', 'string', 'object', 'closure', 'regexp', 'number', 'symbol', 'bigint']);
const STRINGS = new Set(['concatenated string', 'sliced string']);
/** Whose name says what they are; the name of others is what they hold. */
const NAMED = new Set(['object', 'closure']);
const MAX_NAME = 60;
const TOLD = 8;
/** Caches differ by so much from one rest to the next. */
const WAVER = 300_000;
/** A thing that is kept after each action has at least so many bytes. */
const SMALLEST_LEAK = 64;

interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly unknown[] };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Reads a file that `v8.writeHeapSnapshot` has made. @throws SyntaxError for anything else */
export function readHeap(file: string): Heap {
  const { snapshot, nodes, strings }: Snapshot = JSON.parse(readFileSync(file, 'utf8'));
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const typeNames = types[type] as readonly string[];
  const kinds = new Map<string, HeapKind>();
  let own = 0;
  let machinery = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    const bytes = nodes[node + size] ?? 0;
    const found = typeNames[nodes[node + type] ?? 0] ?? '';
    const kind = STRINGS.has(found) ? 'string' : found;
    if (!OWN.has(kind)) {
      if (kind !== 'native' && kind !== 'synthetic') machinery += bytes;
      continue;
    }
    own += bytes;
    const label = NAMED.has(kind)
      ? `${kind} ${(strings[nodes[node + name] ?? 0] ?? '').slice(0, MAX_NAME)}`.trim()
      : kind;
    const before = kinds.get(label);
    kinds.set(label, { count: (before?.count ?? 0) + 1, bytes: (before?.bytes ?? 0) + bytes });
  }
  return { own, machinery, kinds };
}

/** What a process has kept from one rest to another, `actions` later. */
export function compareHeaps(role: string, before: Heap, after: Heap, actions: number): HeapChange {
  const grown = [...after.kinds].map(([name, { count, bytes }]) => {
    const was = before.kinds.get(name);
    return { name, count: count - (was?.count ?? 0), bytes: bytes - (was?.bytes ?? 0) };
  });
  return {
    role,
    before: { own: before.own, machinery: before.machinery },
    after: { own: after.own, machinery: after.machinery },
    actions,
    grown: grown
      .filter(({ bytes }) => bytes > 0)
      .sort((one, other) => other.bytes - one.bytes)
      .slice(0, TOLD),
    leaks: after.own - before.own > Math.max(WAVER, SMALLEST_LEAK * actions),
  };
}
