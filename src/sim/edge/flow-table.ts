import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Flow } from '../ua/stack.js';

const HALF = 11;

/** Flow tokens (RFC 5626 section 5.2): random, signed, so that one of ours whose flow is gone is told from an invented one. */
export class FlowTable {
  readonly #secret = randomBytes(32);
  readonly #most: number;
  readonly #onEvicted: (token: string, flow: Flow) => void;
  #byToken = new Map<string, Flow>();
  #byKey = new Map<string, string>();

  constructor(most: number, onEvicted: (token: string, flow: Flow) => void) {
    this.#most = most;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#byToken.size;
  }

  get tokens(): readonly string[] {
    return [...this.#byToken.keys()];
  }

  /** The flow's token; `fresh` when it is new. Above the limit the flow that was longest unused is forgotten. */
  tokenOf(flow: Flow): { readonly token: string; readonly fresh: boolean } {
    const key = keyOf(flow);
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      this.#byToken.delete(known);
      this.#byToken.set(known, flow);
      return { token: known, fresh: false };
    }
    const id = randomBytes(8).toString('base64url');
    const token = id + this.#sign(id);
    this.#byKey.set(key, token);
    this.#byToken.set(token, flow);
    if (this.#byToken.size > this.#most) this.#evict();
    return { token, fresh: true };
  }

  /** Undefined when the flow is gone. */
  flowOf(token: string): Flow | undefined {
    const flow = this.#byToken.get(token);
    if (flow?.connection && !flow.connection.alive) return undefined;
    return flow;
  }

  /** Whether this table made the token, ever. */
  issued(token: string): boolean {
    const signature = Buffer.from(token.slice(HALF));
    const right = Buffer.from(this.#sign(token.slice(0, HALF)));
    return signature.length === right.length && timingSafeEqual(signature, right);
  }

  /** Forgets a flow; gives its token if it had one. */
  remove(flow: Flow): string | undefined {
    const key = keyOf(flow);
    const token = this.#byKey.get(key);
    if (token === undefined) return undefined;
    this.#byKey.delete(key);
    this.#byToken.delete(token);
    return token;
  }

  #evict(): void {
    const [oldest] = this.#byToken;
    if (!oldest) return;
    const [token, flow] = oldest;
    this.remove(flow);
    this.#onEvicted(token, flow);
  }

  #sign(id: string): string {
    return createHmac('sha256', this.#secret).update(id).digest('base64url').slice(0, HALF);
  }
}

function keyOf(flow: Flow): string {
  if (flow.connection) return `${flow.protocol}#${flow.connection.id}`;
  return `${flow.protocol}/${flow.remote.address}:${flow.remote.port}/${flow.local.port}`;
}
