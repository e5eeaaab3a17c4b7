import type { Clock } from '../clock/clock.js';
import type { Drachtio, OutgoingRequest, SrfResponse } from './drachtio.js';
import { LegResponse } from './invite-branch.js';

/** A transaction ends within 64*T1 (RFC 3261 17.1.2.2); after that the engine, or the connection to it, is gone. */
const TRANSACTION_LIMIT = 40_000;

/** Sends a request other than INVITE. Gives its final response, or one that stands for it; never rejects. */
export function sendRequest(drachtio: Drachtio, clock: Clock, request: OutgoingRequest): Promise<LegResponse> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve(new LegResponse(408, 'Request Timeout')), TRANSACTION_LIMIT);
    const end = (response: LegResponse): void => {
      timer.cancel();
      resolve(response);
    };
    drachtio.request(request, (error, req) => {
      if (error !== undefined || req === undefined) end(new LegResponse(503, error?.message ?? 'Service Unavailable'));
      req?.on('response', (res: SrfResponse) => {
        if (res.status >= 200) end(new LegResponse(res.status, res.reason, res));
      });
    });
  });
}
