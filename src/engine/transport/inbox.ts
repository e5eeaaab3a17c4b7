import type { Buffer } from 'node:buffer';
import type { Clock } from '../../clock/clock.js';
import type { Flow } from './types.js';
import { canWait } from './urgency.js';

export interface InboxOptions {
  readonly clock: Clock;
  readonly receive: (data: Buffer, flow: Flow) => void;
  /** Milliseconds that new work may wait before it counts as late. 200: less than the half second after which SIP over UDP sends again. */
  readonly lateAfter?: number | undefined;
}

interface Waiting {
  readonly data: Buffer;
  readonly flow: Flow;
  readonly since: number;
}

const LATE_AFTER = 200;
/** Milliseconds for which work must have been waiting without a break before any of it counts as late: a pause is no overload. */
const PATIENCE = 750;
/** So long it may be a burst, or a process that is still cold: work then counts as late only when SIP over UDP is about to send it again. */
const BURST = 4000;
const LATE_IN_BURST = 450;
/** Milliseconds that one turn of the event loop gives to new work, once all that had come was read. */
const BUDGET = 5;
/** The same while there is more to be read. */
const LEAST = 1;
/** So many datagrams libuv reads from a socket in one turn: there may be more. */
const FULL = 32;
/**
 * After so many milliseconds, and those that new work may wait, of such turns without a break, what is read has been waiting in the socket:
 * nobody knows how long, but too long.
 */
const SWAMPED = 200;
const MAX_WAITING = 8192;

/**
 * Gives out messages as they come, as long as they can be handled. When there are more, sockets are emptied first: what belongs to calls in
 * progress is handled as it is read, new work waits in line, so it is known how long it had to wait ({@link Flow.late}). Where sockets can't be
 * emptied, nearly all new work is late, which is soon said to each: so that nobody sends it again and again.
 */
export class Inbox {
  private readonly clock: Clock;
  private readonly receive: (data: Buffer, flow: Flow) => void;
  private readonly lateAfter: number;
  private line: Waiting[] = [];
  private head = 0;
  private turning = false;
  /** When the first message of this turn was read. */
  private turnedAt = 0;
  private taken = 0;
  /** Since when every turn has left more to be read. */
  private fullSince: number | undefined;
  /** Since when somebody has been waiting without a break. */
  private busySince = 0;
  private closed = false;

  constructor(options: InboxOptions) {
    this.clock = options.clock;
    this.receive = options.receive;
    this.lateAfter = options.lateAfter ?? LATE_AFTER;
  }

  take(data: Buffer, flow: Flow): void {
    const now = this.clock.monotonic();
    if (!this.turning) this.startTurn();
    if (this.taken++ === 0) this.turnedAt = now;
    if (this.isSwamped(now)) this.receive(data, now - this.turnedAt < LEAST ? flow : { ...flow, late: true });
    else if (this.hasTime(now) || !canWait(data)) this.receive(data, flow);
    else if (this.waiting < MAX_WAITING) this.enqueue({ data, flow, since: now });
    else if (flow.connection) this.receive(data, { ...flow, late: true });
  }

  close(): void {
    this.closed = true;
    this.line = [];
    this.head = 0;
  }

  private get waiting(): number {
    return this.line.length - this.head;
  }

  private enqueue(one: Waiting): void {
    if (this.waiting === 0) this.busySince = one.since;
    this.line.push(one);
  }

  /** Whether new work needn't wait: nobody does, and this turn has only begun. */
  private hasTime(now: number): boolean {
    return this.waiting === 0 && this.fullSince === undefined && now - this.turnedAt < BUDGET;
  }

  private startTurn(): void {
    this.turning = true;
    this.taken = 0;
    setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    this.turning = false;
    if (this.closed) return;
    let now = this.clock.monotonic();
    if (this.taken < FULL) this.fullSince = undefined;
    else this.fullSince ??= now;
    if (this.waiting === 0) {
      // The next turn tells whether this one has read all.
      if (this.fullSince !== undefined) this.startTurn();
      return;
    }
    const until = now + (this.fullSince === undefined || this.isSwamped(now) ? BUDGET : LEAST);
    for (let one = this.next(); one; one = now < until ? this.next() : undefined) {
      this.receive(one.data, this.isLate(one, now) ? { ...one.flow, late: true } : one.flow);
      now = this.clock.monotonic();
    }
    if (this.waiting > 0) this.startTurn();
  }

  private next(): Waiting | undefined {
    const one = this.line[this.head];
    if (!one) return undefined;
    this.head++;
    if (this.head === this.line.length || this.head === 1024) {
      this.line.splice(0, this.head);
      this.head = 0;
    }
    return one;
  }

  private isSwamped(now: number): boolean {
    return this.fullSince !== undefined && now - this.fullSince > SWAMPED + this.lateAfter;
  }

  private isLate({ since }: Waiting, now: number): boolean {
    if (this.isSwamped(now)) return true;
    const busy = now - this.busySince;
    if (busy <= PATIENCE) return false;
    return now - since > (busy < BURST ? Math.max(LATE_IN_BURST, this.lateAfter) : this.lateAfter);
  }
}
