import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Binding } from '../devices/types.js';
import { parseNameAddr } from '../grammar/name-addr.js';
import { parseUri } from '../grammar/uri.js';
import { firstHeader, type HeaderLines } from './header-lines.js';

/** What the flows of a site's nodes are named with. */
export interface FlowNames {
  /** Where other nodes reach this one's engine, `sip:192.0.2.1:5060;transport=tcp`. */
  readonly address: string;
  /** The same at all nodes. Secret. */
  readonly key: Buffer;
}

const TOKEN = /^([\w-]+)\.([\w-]{22})$/;

/**
 * The connections of phones without an edge, each of which ends at one node's engine. Other nodes reach such a phone over that node: by a Route
 * with a flow token (RFC 5626 section 5.2), which only nodes of the site can make. Without names there is one node, and nothing to do.
 */
export class Flows {
  names: FlowNames | undefined;

  /** The Route for other nodes to who sent a request from `source`, such as `tcp/192.0.2.7:5060`. */
  routeTo(source: string): string | undefined {
    if (this.names === undefined) return undefined;
    const { address, key } = this.names;
    const flow = Buffer.from(source).toString('base64url');
    const [scheme = 'sip', ...rest] = address.split(':');
    return `<${scheme}:${flow}.${sign(flow, key)}@${rest.join(':')};lr>`;
  }

  /** The Route set to a binding from here. */
  pathTo({ flow, path }: Pick<Binding, 'flow' | 'path'>): readonly string[] {
    if (this.names === undefined || flow === undefined) return path;
    const own = this.names.address.slice(this.names.address.indexOf(':') + 1);
    return flow.includes(`@${own};`) ? path : [flow, ...path];
  }

  /** The address of the other node that a binding is reached over; undefined: it is reached from here. */
  nodeOf({ flow, path }: Pick<Binding, 'flow' | 'path'>): string | undefined {
    const [first] = this.pathTo({ ...(flow !== undefined && { flow }), path });
    if (flow === undefined || first !== flow) return undefined;
    const { host, port } = parseUri(parseNameAddr(flow).uri);
    return port === undefined ? host : `${host}:${port}`;
  }

  /** Whether another node sends this request over a flow of this one: it goes on to its Request-URI. */
  isForFlow(lines: HeaderLines): boolean {
    const route = this.names && firstHeader(lines, 'route');
    if (this.names === undefined || route === undefined) return false;
    const [, flow = '', signature = ''] = TOKEN.exec(userOf(route)) ?? [];
    if (flow === '') return false;
    const right = Buffer.from(sign(flow, this.names.key));
    const given = Buffer.from(signature);
    return right.length === given.length && timingSafeEqual(right, given);
  }
}

function sign(flow: string, key: Buffer): string {
  return createHmac('sha256', key).update(flow).digest('base64url').slice(0, 22);
}

function userOf(route: string): string {
  try {
    return parseUri(parseNameAddr(route).uri).user ?? '';
  } catch {
    return '';
  }
}
