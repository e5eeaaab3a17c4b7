import { randomBytes } from 'node:crypto';
import { formatNameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { Params } from '../../grammar/params.js';
import { formatUri, parseUri } from '../../grammar/uri.js';

/** A phone's own Contact behind a rewritten one. */
export interface HiddenContact {
  /** As the phone registered it. */
  readonly uri: string;
  /** The same without push parameters: the Request-URI toward the phone (RFC 8599 section 4.1). */
  readonly target: string;
  readonly flow: string;
}

/** Contacts that the edge has put its own in place of, by the opaque user part. Bounded: the oldest go first. */
export class ContactTable {
  readonly #most: number;
  #byUser = new Map<string, HiddenContact>();
  #byContact = new Map<string, string>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#byUser.size;
  }

  get(user: string): HiddenContact | undefined {
    return this.#byUser.get(user);
  }

  /**
   * One Contact value of a REGISTER with the edge's address in it: `sip:<opaque>@<host>:<port>`, push parameters kept. The same
   * Contact over the same flow gets the same user part. Throws GrammarError when the value can't be read.
   */
  hide(value: string, flow: string, edge: { readonly host: string; readonly port: number; transport: string }): string {
    const contact = parseNameAddr(value);
    const uri = parseUri(contact.uri);
    const pushParams = new Params();
    const own = uri.params.clone();
    for (const [name, param] of uri.params) {
      if (!/^pn-/i.test(name)) continue;
      pushParams.set(name, param);
      own.delete(name);
    }
    const target = formatUri({ ...uri, params: own });
    const user = this.#userFor(flow, { uri: contact.uri, target, flow });
    const params = new Params();
    params.set('transport', edge.transport);
    for (const [name, param] of pushParams) params.set(name, param);
    const hidden = formatUri({ scheme: 'sip', user, host: edge.host, port: edge.port, params, headers: '' });
    return formatNameAddr({ ...contact, uri: hidden });
  }

  /** A Contact value of a REGISTER's response as the phone knows it. */
  reveal(value: string): string {
    try {
      const contact = parseNameAddr(value);
      const hidden = this.#byUser.get(parseUri(contact.uri).user ?? '');
      return hidden ? formatNameAddr({ ...contact, uri: hidden.uri }) : value;
    } catch {
      return value;
    }
  }

  #userFor(flow: string, contact: HiddenContact): string {
    const key = `${flow} ${contact.target}`;
    const user = this.#byContact.get(key) ?? randomBytes(9).toString('hex');
    this.#byContact.delete(key);
    this.#byContact.set(key, user);
    this.#byUser.set(user, contact);
    const [oldest] = this.#byContact;
    if (this.#byContact.size > this.#most && oldest) {
      this.#byContact.delete(oldest[0]);
      this.#byUser.delete(oldest[1]);
    }
    return user;
  }
}
