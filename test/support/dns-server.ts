import { createSocket } from 'node:dgram';
import type { ExecutionContext } from 'ava';

/** Records of a name: `NAPTR order preference flags service replacement`, `SRV priority weight port target`, `A address`, `AAAA address`. */
export type Zone = Readonly<
  Record<string, readonly (readonly [type: 'NAPTR' | 'SRV' | 'A' | 'AAAA', ...fields: string[]])[]>
>;

export interface DnsServer {
  /** `127.0.0.1:5353` */
  readonly address: string;
  /** `NAPTR corp.example` for each question, in order. */
  readonly asked: readonly string[];
  /** May be changed at any time. */
  zone: Zone;
  /** Answers everything with SERVFAIL. */
  broken: boolean;
}

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const;

/** A name server over UDP on loopback (RFC 1035, RFC 2782, RFC 3403); closed when the test ends. */
export async function dnsServer(t: ExecutionContext, zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.teardown(() => void socket.close());
  const asked: string[] = [];
  const server = { address: `127.0.0.1:${socket.address().port}`, asked, zone, broken: false };
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const number = query.readUInt16BE(at + 1);
    const type = Object.entries(TYPES).find(([, value]) => value === number)?.[0] ?? String(number);
    asked.push(`${type} ${name}`);
    const records = server.zone[name];
    const answers = server.broken ? [] : (records ?? []).filter(([kind]) => kind === type);
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8580 | (server.broken ? 2 : records ? 0 : 3), 2);
    header.writeUInt16BE(answers.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers.map(encode)]), from.port, from.address);
  });
  return server;
}

function encode([type, ...fields]: readonly ['NAPTR' | 'SRV' | 'A' | 'AAAA', ...string[]]): Buffer {
  const data = dataOf(type, fields);
  // a pointer to the question's name, class IN, a TTL of 0
  return Buffer.concat([
    Buffer.from([0xc0, 12]),
    number16(TYPES[type]),
    number16(1),
    Buffer.alloc(4),
    number16(data.length),
    data,
  ]);
}

function dataOf(type: keyof typeof TYPES, fields: readonly string[]): Buffer {
  const [a = '', b = '', c = '', d = '', e = ''] = fields;
  switch (type) {
    case 'A':
      return Buffer.from(a.split('.').map(Number));
    case 'AAAA':
      return ipv6(a);
    case 'SRV':
      return Buffer.concat([number16(Number(a)), number16(Number(b)), number16(Number(c)), domain(d)]);
    case 'NAPTR':
      return Buffer.concat([number16(Number(a)), number16(Number(b)), text(c), text(d), text(''), domain(e)]);
  }
}

function ipv6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail)];
  const middle = Array<number>(8 - left.length - right.length).fill(0);
  return Buffer.concat([...left, ...middle, ...right].map(number16));
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

function domain(name: string): Buffer {
  return Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map(text),
    Buffer.from([0]),
  ]);
}
