import type { TrunkTarget } from '../calls/port.js';
import type { Clock, Timer } from '../clock/clock.js';
import type { Trunk } from '../trunks/trunk.js';
import type { Drachtio, OutgoingRequest } from './drachtio.js';
import { LegResponse } from './invite-branch.js';
import { sendRequest } from './send-request.js';
import { addressOf } from './trunk-leg.js';

export interface TrunkRequestOptions {
  readonly drachtio: Drachtio;
  readonly clock: Clock;
  readonly trunk: Trunk | undefined;
  /** How long a peer may say nothing before the next one is tried, in milliseconds; 0: until the transaction times out. */
  readonly failoverAfter: number;
}

/** Its sender gives up after 32 s (Timer F): he has to have an answer before (RFC 4320). */
const ALL_PEERS_WITHIN = 28_000;

/**
 * Sends a request other than INVITE over a trunk: to one peer after the other until one answers with anything but 503. 408 stands for nobody having
 * answered in time, so that the caller can say it in another way: RFC 4320 forbids 408 here.
 */
export async function sendOverTrunk(
  { drachtio, clock, trunk, failoverAfter }: TrunkRequestOptions,
  target: TrunkTarget,
  request: (peer: string) => Omit<OutgoingRequest, 'uri' | 'proxy'>,
): Promise<LegResponse> {
  const end = clock.now() + ALL_PEERS_WITHIN;
  const peers = trunk?.route() ?? [];
  let last = new LegResponse(503, 'No Peer In Service');
  for (const [index, peer] of peers.entries()) {
    const left = end - clock.now();
    if (left <= 0) break;
    const isLast = index === peers.length - 1;
    const patience = isLast || failoverAfter === 0 ? left : Math.min(failoverAfter, left);
    const sent = sendRequest(drachtio, clock, { ...request(peer.name), ...addressOf(target, peer.options) });
    const answer = await firstOf(sent, clock, patience);
    if (answer !== undefined && !answer.local && answer.status !== 408 && answer.status !== 503) {
      peer.answered();
      return answer;
    }
    if (answer === undefined || answer.status === 408) peer.failed('no answer');
    else if (answer.local) peer.failed('not reachable');
    last = answer ?? new LegResponse(408, 'Request Timeout');
  }
  return last;
}

function firstOf(sent: Promise<LegResponse>, clock: Clock, ms: number): Promise<LegResponse | undefined> {
  return new Promise((resolve) => {
    const timer: Timer = clock.setTimeout(() => resolve(undefined), ms);
    void sent.then((answer) => {
      timer.cancel();
      resolve(answer);
    });
  });
}
