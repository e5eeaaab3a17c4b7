import { randomCallId, randomTag } from '../grammar/token.js';
import type { PeerOptions, Ping } from '../trunks/types.js';
import type { Drachtio, SrfResponse } from './drachtio.js';

/** OPTIONS to trunk peers over the SIP engine (RFC 3261 11.1), as CUCM pings its own trunks. */
export function pingOver(drachtio: Drachtio): Ping {
  return (peer) =>
    new Promise((resolve) => {
      if (!drachtio.connected) {
        resolve(undefined);
        return;
      }
      const uri = uriOf(peer);
      const headers = {
        from: `<sip:callwake@localhost>;tag=${randomTag()}`,
        to: `<${uri}>`,
        'call-id': randomCallId(),
        'max-forwards': '70',
        accept: 'application/sdp',
      };
      drachtio.request({ method: 'OPTIONS', uri, headers }, (error, req) => {
        if (error !== undefined || req === undefined) {
          resolve(drachtio.connected ? 503 : undefined);
          return;
        }
        req.on('response', (response: SrfResponse) => {
          if (response.status >= 200) resolve(response.status);
        });
      });
    });
}

function uriOf({ host, port, transport }: PeerOptions): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return `sip:${bracketed}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}`;
}
