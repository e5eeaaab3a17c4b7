import { BlockList, isIP } from 'node:net';

/** A set of IP addresses and ranges such as `192.0.2.0/24` or `2001:db8::/32`. */
export class Networks {
  readonly #list = new BlockList();

  /** @throws {RangeError} for what is neither an address nor a range. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) this.#add(range);
  }

  /** Whether an address, IPv6 with or without brackets, is among them. */
  has(address: string): boolean {
    const bare = address.replace(/^\[|\]$/g, '').replace(/^::ffff:(?=\d+\.)/i, '');
    const family = isIP(bare);
    return family !== 0 && this.#list.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  }

  #add(range: string): void {
    const [address = '', bits] = range.split('/');
    const family = isIP(address);
    const type = family === 6 ? 'ipv6' : 'ipv4';
    if (family === 0) throw new RangeError(`${range} is neither an IP address nor a range`);
    if (bits === undefined) this.#list.addAddress(address, type);
    else this.#list.addSubnet(address, Number(bits), type);
  }
}
