import { isIP } from 'node:net';

/** An IP address as its 4 bytes, or (`six`) 16; an IPv4 address as a mapped one. What is no address becomes zeros. */
export function addressBytes(address: string, six: boolean): Buffer {
  const bare = address.split('%', 1)[0] ?? '';
  const family = isIP(bare);
  if (family === 4) {
    const four = Buffer.from(bare.split('.').map(Number));
    return six ? Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), four]) : four;
  }
  if (family !== 6 || !six) return Buffer.alloc(six ? 16 : 4);
  return sixteen(bare);
}

function sixteen(address: string): Buffer {
  // The URL parser writes an address with hexadecimal groups only, whatever form it came in.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = '', right] = text.split('::', 2);
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groups(left);
  const tail = right === undefined ? [] : groups(right);
  const all = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
