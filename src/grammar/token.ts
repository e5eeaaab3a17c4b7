import { randomFillSync } from 'node:crypto';

/** Lower case only: tags and branches are compared without regard to case by some. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Hands out random characters; the bytes are fetched many at a time, since each call to the system's generator is dear. */
class RandomText {
  private readonly pool = new Uint8Array(8192);
  private used = this.pool.length;

  take(length: number): string {
    if (this.used + length > this.pool.length) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    let text = '';
    for (let i = 0; i < length; i++) text += ALPHABET.charAt((this.pool[this.used++] ?? 0) & 31);
    return text;
  }
}

const random = new RandomText();

/** A From or To tag: 16 characters, 80 random bits (RFC 3261 section 19.3 asks for 32). */
export function randomTag(): string {
  return random.take(16);
}

/** A Via branch: the magic cookie and 20 characters, 100 random bits (RFC 3261 section 8.1.1.7). */
export function randomBranch(): string {
  return `z9hG4bK${random.take(20)}`;
}

/** A Call-ID without a host part: 26 characters, 130 random bits (RFC 3261 section 8.1.1.4). */
export function randomCallId(): string {
  return random.take(26);
}
