import { SipRequest, type SipResponse } from '../message/index.js';

function sameTransaction(invite: SipRequest, method: string, to: string | undefined): SipRequest {
  const request = new SipRequest(method, invite.uri);
  request.encoding = invite.encoding;
  const [via] = invite.list('via');
  if (via !== undefined) request.add('Via', via);
  request.add('Max-Forwards', '70');
  for (const route of invite.all('route')) request.add('Route', route);
  request.add('From', invite.get('from') ?? '');
  request.add('To', to ?? '');
  request.add('Call-ID', invite.callId);
  request.add('CSeq', `${invite.cseq.number} ${method}`);
  return request;
}

/** The ACK for a final response other than 2xx: RFC 3261 section 17.1.1.3. */
export function createAck(invite: SipRequest, response: SipResponse): SipRequest {
  return sameTransaction(invite, 'ACK', response.get('to'));
}

/** The CANCEL of an INVITE: RFC 3261 section 9.1. */
export function createCancel(invite: SipRequest, headers: readonly (readonly [string, string])[]): SipRequest {
  const cancel = sameTransaction(invite, 'CANCEL', invite.get('to'));
  for (const [name, value] of headers) cancel.add(name, value);
  return cancel;
}
