/** How many bits the code of each octet has, 0 to 255, and last that of EOS. The codes follow: equally long ones count up (RFC 7541 appendix B). */
const LENGTHS = `
13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
30`
  .trim()
  .split(/\s+/)
  .map(Number);

const EOS = 256;
const LONGEST = 30;
/** The shortest code has so many bits. */
const SHORTEST = 5;

// Entries of the table: 16 for each state, one for each four bits. The state after them, the octet they complete, and these.
const COMPLETES = 1 << 16;
const FAILS = 1 << 17;
/** In this state the octets may end: what is left is a padding (RFC 7541 section 5.2). */
const MAY_END = 1 << 18;

let table: Int32Array | undefined;

/** The most octets that so many of a Huffman code can stand for. */
export const decodedRoom = (bytes: number): number => Math.floor((bytes * 8) / SHORTEST);

/**
 * Decodes a string literal (RFC 7541 section 5.2).
 * @param into has {@link decodedRoom}
 * @returns how many octets it is, or -1 if it is none: it holds EOS, or its padding is too long or not of ones
 */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, into: Uint8Array): number {
  table ??= makeTable();
  let state = 0;
  let length = 0;
  let step = MAY_END;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    step = table[(state << 4) | (byte >> 4)] ?? FAILS;
    if (step & FAILS) return -1;
    if (step & COMPLETES) into[length++] = (step >> 8) & 0xff;
    state = step & 0xff;
    step = table[(state << 4) | (byte & 0xf)] ?? FAILS;
    if (step & FAILS) return -1;
    if (step & COMPLETES) into[length++] = (step >> 8) & 0xff;
    state = step & 0xff;
  }
  return step & MAY_END ? length : -1;
}

/** An inner node of the tree of codes: another node's number, or an octet as its complement. */
type Node = [zero: number, one: number];

function makeTable(): Int32Array {
  const nodes = makeTree();
  const paddings = new Set(allOnes(nodes));
  const made = new Int32Array(nodes.length * 16);
  for (const start of nodes.keys()) {
    for (let bits = 0; bits < 16; bits++) made[start * 16 + bits] = stepOf(nodes, paddings, start, bits);
  }
  return made;
}

function stepOf(nodes: readonly Node[], paddings: ReadonlySet<number>, start: number, bits: number): number {
  let state = start;
  let completed = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[state]?.[(bits >> bit) & 1 ? 1 : 0] ?? ~EOS;
    if (next === ~EOS) return FAILS;
    if (next < 0) completed = COMPLETES | (~next << 8);
    state = next < 0 ? 0 : next;
  }
  return state | completed | (paddings.has(state) ? MAY_END : 0);
}

/** The states that fewer than eight ones lead to. */
function* allOnes(nodes: readonly Node[]): Generator<number> {
  for (let ones = 0, state = 0; ones < 8; ones++) {
    yield state;
    state = nodes[state]?.[1] ?? 0;
  }
}

function makeTree(): readonly Node[] {
  const nodes: Node[] = [[0, 0]];
  let code = 0;
  for (let length = SHORTEST; length <= LONGEST; length++) {
    code *= 2;
    for (const [symbol, bits] of LENGTHS.entries()) {
      if (bits === length) plant(nodes, symbol, code++, length);
    }
  }
  return nodes;
}

function plant(nodes: Node[], symbol: number, code: number, length: number): void {
  let node = nodes[0];
  for (let bit = length - 1; bit >= 0 && node; bit--) {
    const way = (code >> bit) & 1 ? 1 : 0;
    if (bit === 0) node[way] = ~symbol;
    else {
      if (node[way] === 0) node[way] = nodes.push([0, 0]) - 1;
      node = nodes[node[way]];
    }
  }
}
