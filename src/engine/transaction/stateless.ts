import { Buffer } from 'node:buffer';
import { randomInt } from 'node:crypto';
import type { Clock } from '../../clock/clock.js';
import { randomTag } from '../../grammar/token.js';
import type { Refusal } from '../admission/refusal.js';
import { type Glance, glance, reasonPhrase } from '../message/index.js';
import { type Flow, uriHost } from '../transport/index.js';

/**
 * Refuses requests by what a glance at them shows, and keeps nothing of them: RFC 3261 section 8.2.7. The To tag is made from the request and a
 * secret, so that a request that comes again gets the same, and the ACK to a refusal is known by it.
 */
export class StatelessRefusals {
  private readonly mark = randomTag();
  private readonly markBytes = Buffer.from(this.mark);
  private readonly seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const;
  private lastAt = Number.NEGATIVE_INFINITY;

  /** @param window milliseconds after a refusal within which its ACK may come: Timer H */
  constructor(
    private readonly clock: Clock,
    private readonly window: number,
  ) {}

  /** The response, stamped as RFC 3261 section 18.2.1 and RFC 3581 section 4 have the server do it. */
  answer(request: Glance, { status, headers = [] }: Refusal, flow: Flow): Buffer {
    this.lastAt = this.clock.monotonic();
    const { from, to, callId, cseq, vias } = request;
    let text = `SIP/2.0 ${status} ${reasonPhrase(status)}\r\nVia: ${stampedVia(request, flow)}\r\n`;
    for (const via of vias) text += `Via: ${via}\r\n`;
    text += `From: ${from}\r\nTo: ${to};tag=${this.tagFor(request)}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq}\r\n`;
    for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
    return Buffer.from(`${text}Content-Length: 0\r\n\r\n`, 'latin1');
  }

  /** Whether it is the ACK to one of the refusals: nobody else waits for it. */
  absorbs(data: Buffer): boolean {
    if (this.clock.monotonic() - this.lastAt > this.window || !isAck(data) || !data.includes(this.markBytes))
      return false;
    const ack = glance(data);
    return ack?.method === 'ACK' && ack.toTag === this.tagFor(ack);
  }

  private tagFor({ via, callId }: Glance): string {
    const text = `${via.branch} ${callId}`;
    const [one, two] = this.seeds;
    return `${this.mark}${hash(text, one).toString(36)}${hash(text, two).toString(36)}`;
  }
}

/** Where an answer to it goes: as {@link Flow.reply} says. */
export function replyFlow({ via }: Glance, flow: Flow): Flow {
  if (flow.protocol !== 'udp' || via.rport) return flow;
  return { ...flow, reply: { address: flow.remote.address, port: via.port ?? 5060 } };
}

function stampedVia({ via }: Glance, { remote }: Flow): string {
  let text = via.start;
  for (const param of via.params) text += isRport(param) ? `;rport=${remote.port}` : `;${param}`;
  if (via.rport || via.host !== uriHost(remote.address)) text += `;received=${remote.address}`;
  return text + via.rest;
}

function isRport(param: string): boolean {
  return param === 'rport' || /^rport(?:=|$)/i.test(param);
}

function isAck(data: Buffer): boolean {
  return data[0] === 65 && data[1] === 67 && data[2] === 75 && data[3] === 32;
}

/** 32 bits that depend on all of the text and the seed. Who doesn't know the seed can't foresee them; nothing is lost if he does. */
function hash(text: string, seed: number): number {
  let value = seed | 0;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x5bd1e995);
    value ^= value >>> 15;
  }
  value = Math.imul(value ^ (value >>> 13), 0x5bd1e995);
  return (value ^ (value >>> 16)) >>> 0;
}
