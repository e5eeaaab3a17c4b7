import type { Buffer } from 'node:buffer';
import type { Clock } from '../../clock/clock.js';
import type { SipRequest } from '../message/index.js';
import { type MessageTransport, RecentSet, type Target } from '../transport/index.js';
import type { Fallback } from './client-transaction.js';
import { viaText } from './via-text.js';

const NO_TCP_FOR = 60_000;

/** What to send first, and what if that can't be connected. */
export interface Prepared {
  readonly data: Buffer;
  readonly first: Target;
  readonly fallback?: Fallback;
}

/**
 * RFC 3261 section 18.1.1: a request that is too large for UDP goes over TCP, and back over UDP if nobody takes the connection. Peers
 * that took none are remembered for a while.
 */
export class LargeRequests {
  private readonly withoutTcp: RecentSet;

  constructor(
    clock: Clock,
    private readonly transport: MessageTransport,
    private readonly limit: number,
  ) {
    this.withoutTcp = new RecentSet(clock, NO_TCP_FOR);
  }

  /** `request` has its Via on top already; it is rewritten for TCP if need be. A CANCEL or a flow given stays where it is. */
  prepare(request: SipRequest, target: Target): Prepared {
    const data = request.toBuffer();
    const small = this.limit === 0 || data.length <= this.limit;
    if (small || target.protocol !== 'udp' || target.flow || request.method === 'CANCEL')
      return { data, first: target };
    const peer = `${target.host}:${target.port}`;
    if (this.withoutTcp.has(peer)) return { data, first: target };
    const { local: _local, ...rest } = target;
    const first: Target = { ...rest, protocol: 'tcp' };
    const udpVia = request.list('via')[0] ?? '';
    request.replaceFirst('via', viaText(this.transport, first, request.via.branch ?? ''));
    const fallback: Fallback = {
      data,
      target,
      apply: () => {
        this.withoutTcp.add(peer);
        request.replaceFirst('via', udpVia);
      },
    };
    return { data: request.toBuffer(), first, fallback };
  }
}
