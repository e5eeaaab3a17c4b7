import { readFileSync } from 'node:fs';

const TABLES = ['/proc/net/udp', '/proc/net/udp6'];

/** A UDP socket of this machine. */
export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Bytes that the kernel holds for UDP sockets bound to one of `addresses` and that nobody has read yet, its own overhead for each datagram
 * included. Undefined where there is no /proc/net. `read` gives the text of such a table, and throws when it isn't there.
 */
export function udpBacklog(addresses: readonly BoundAddress[], read = readTable): number | undefined {
  const wanted = new Set(addresses.map(tableKey));
  let waiting: number | undefined;
  for (const table of TABLES) {
    let text: string;
    try {
      text = read(table);
    } catch {
      continue;
    }
    waiting ??= 0;
    for (const line of text.split('\n')) {
      const [, local = '', , , queues = ''] = line.trim().split(/\s+/);
      if (wanted.has(local) || (local.length > 13 && wanted.has(local.slice(-5)))) {
        waiting += Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
      }
    }
  }
  return waiting;
}

function readTable(path: string): string {
  return readFileSync(path, 'latin1');
}

/** `0100007F:13C4` for 127.0.0.1:5060, the form of the table on little-endian machines; for IPv6 the port alone. */
function tableKey({ address, port }: BoundAddress): string {
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  const suffix = `:${hex(port, 4)}`;
  if (address.includes(':')) return suffix;
  const bytes = address.split('.').map((part) => hex(Number(part), 2));
  return `${bytes.reverse().join('')}${suffix}`;
}
