import type { Buffer } from 'node:buffer';
import type { Clock } from '../../clock/clock.js';
import type { Flow } from './types.js';
import { canWait } from './urgency.js';

export interface InboxOptions {
  readonly clock: Clock;
  readonly receive: (data: Buffer, flow: Flow) => void;
  /** Milliseconds that new work may wait before it counts as late. 200: less than the half second after which SIP over UDP sends again. */
  readonly lateAfter?: number | undefined;
  /** Milliseconds of processor time that this process has had, on any scale; its own when missing. */
  readonly processorTime?: (() => number) | undefined;
}

interface Waiting {
  readonly data: Buffer;
  readonly flow: Flow;
  readonly since: number;
}

const LATE_AFTER = 200;
/**
 * Milliseconds for which work must have been waiting without a break, and of processor time that this process must have had meanwhile, before any of it counts as
 * late: a pause is no overload, neither a short one nor one in which others had the processor.
 */
const PATIENCE = 750;
/** Where it had less processor time than that, work is late after so many milliseconds: when SIP over UDP has sent it again twice. */
const LATE_AFTER_PAUSE = 2000;
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
  private readonly processorTime: () => number;
  private line: Waiting[] = [];
  private head = 0;
  private turning = false;
  /** When the first message of this turn was read. */
  private turnedAt = 0;
  private taken = 0;
  /** Since when every turn has left more to be read. */
  private fullSince: number | undefined;
  /** Since when somebody has been waiting without a break, and the processor time at that moment. */
  private busySince = 0;
  private busyFrom = 0;
  private closed = false;

  constructor(options: InboxOptions) {
    this.clock = options.clock;
    this.receive = options.receive;
    this.lateAfter = options.lateAfter ?? LATE_AFTER;
    this.processorTime = options.processorTime ?? ownProcessorTime;
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
    if (this.waiting === 0) {
      this.busySince = one.since;
      this.busyFrom = this.processorTime();
    }
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
    const longest = this.longestWait(now);
    const until = now + (this.fullSince === undefined || this.isSwamped(now) ? BUDGET : LEAST);
    for (let one = this.next(); one; one = now < until ? this.next() : undefined) {
      this.receive(one.data, now - one.since > longest ? { ...one.flow, late: true } : one.flow);
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

  /** Milliseconds after which new work is late in this turn. */
  private longestWait(now: number): number {
    if (this.isSwamped(now)) return Number.NEGATIVE_INFINITY;
    const busy = now - this.busySince;
    if (busy <= PATIENCE) return Number.POSITIVE_INFINITY;
    if (this.processorTime() - this.busyFrom <= PATIENCE) return Math.max(LATE_AFTER_PAUSE, this.lateAfter);
    return busy < BURST ? Math.max(LATE_IN_BURST, this.lateAfter) : this.lateAfter;
  }
}

function ownProcessorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
