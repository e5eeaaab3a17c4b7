import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** A push node (XEP-0357): where a server publishes what is for one device, and the secret that it publishes with. */
export interface PushNode {
  /** base64url, without padding. */
  readonly node: string;
  /** base64url. Secret: only the app and its server may know it. */
  readonly secret: string;
}

/** What a node stands for. */
export interface NodeTarget {
  readonly aor: string;
  readonly deviceId: string;
}

const NONCE = 12;
const TAG = 16;
const MAX_NODE = 1024;

/**
 * Gives each device its node, and finds the device of a node, with nothing to remember. A node is the AOR and device id sealed
 * under a key of callwake's (AES-256-GCM; the nonce is a keyed hash of both, so that a device always has the same node): who
 * doesn't know the key can neither make nor read one. The node's secret is a keyed hash of the node.
 */
export class PushNodes {
  readonly #sealing: Uint8Array;
  readonly #nonces: Uint8Array;
  readonly #secrets: Uint8Array;

  /** @param secret What all keys are made of; the same on all nodes of callwake. */
  constructor(secret: string) {
    const derive = (use: string): Uint8Array =>
      new Uint8Array(hkdfSync('sha256', secret, 'callwake xmpp push node', use, 32));
    this.#sealing = derive('seal');
    this.#nonces = derive('nonce');
    this.#secrets = derive('secret');
  }

  /** The node of a device. */
  nodeOf({ aor, deviceId }: NodeTarget): PushNode {
    const plain = Buffer.from(JSON.stringify([aor, deviceId]), 'utf8');
    const nonce = createHmac('sha256', this.#nonces).update(plain).digest().subarray(0, NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, nonce);
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    const node = sealed.toString('base64url');
    return { node, secret: this.#secretOf(node).toString('base64url') };
  }

  /** The device that a node stands for; undefined for anything that {@link nodeOf} did not make under this key. */
  read(node: string): NodeTarget | undefined {
    if (node.length > MAX_NODE) return undefined;
    const bytes = Buffer.from(node, 'base64url');
    if (bytes.length <= NONCE + TAG || bytes.toString('base64url') !== node) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#sealing, bytes.subarray(0, NONCE));
      decipher.setAuthTag(bytes.subarray(-TAG));
      const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
      const [aor, deviceId]: unknown[] = JSON.parse(plain.toString('utf8'));
      return typeof aor === 'string' && typeof deviceId === 'string' ? { aor, deviceId } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether that is the node's secret; takes as long either way. */
  isSecretOf(node: string, secret: string): boolean {
    const given = createHmac('sha256', this.#secrets).update(secret).digest();
    const right = createHmac('sha256', this.#secrets).update(this.#secretOf(node).toString('base64url')).digest();
    return timingSafeEqual(given, right);
  }

  #secretOf(node: string): Buffer {
    return createHmac('sha256', this.#secrets).update(node).digest().subarray(0, 24);
  }
}
