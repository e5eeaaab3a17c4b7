import type { SipResponse } from '../message/index.js';

/**
 * The response that a proxy sends upstream when no branch gave a 2xx (RFC 3261 section 16.7 step 6): a 6xx if there is one, else one of the lowest class; within
 * 4xx those first that tell the caller how to go on; a timeout last. Undefined when there is none.
 */
export function bestResponse(responses: readonly SipResponse[]): SipResponse | undefined {
  let best: SipResponse | undefined;
  for (const response of responses) if (!best || rank(response.status) < rank(best.status)) best = response;
  return best;
}

const HELPFUL = [401, 407, 415, 420, 484];

function rank(status: number): number {
  if (status >= 600) return 0;
  const within = HELPFUL.includes(status) ? 0 : status === 408 || status === 487 ? 2 : status === 503 ? 3 : 1;
  return Math.floor(status / 100) * 10 + within;
}

/**
 * What of it goes upstream: 503 becomes 500, since another try may well succeed elsewhere; to a 401 or 407 the challenges of all branches are
 * added (steps 6 and 7).
 */
export function upstreamResponse(best: SipResponse, all: readonly SipResponse[]): SipResponse {
  const busy = best.status === 503;
  const response = busy ? best.clone(500, 'Server Internal Error') : best.clone();
  if (busy) response.remove('retry-after');
  if (response.status === 401 || response.status === 407) {
    for (const other of all) {
      if (other === best || (other.status !== 401 && other.status !== 407)) continue;
      for (const name of ['WWW-Authenticate', 'Proxy-Authenticate'])
        for (const value of other.all(name)) response.add(name, value);
    }
  }
  return response;
}
