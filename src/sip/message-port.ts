import type { Clock } from '../clock/clock.js';
import type { Writable } from '../devices/types.js';
import { sha256 } from '../grammar/sha256.js';
import type { TextMessage } from '../messages/message.js';
import type { Sender } from '../messages/notification.js';
import type { Delivery, MessagePort } from '../messages/port.js';
import { branchTag } from './dialogs.js';
import type { Drachtio } from './drachtio.js';
import { faceOf } from './face.js';
import { endToEnd, firstHeader, type HeaderLines, toRecord } from './header-lines.js';
import { routed } from './invite-branch.js';
import { sendRequest } from './send-request.js';
import { tagOf, withoutTag, withTag } from './tags.js';

/** Hands messages to phones over their bindings, as MESSAGE (RFC 3428) or NOTIFY. */
export function messagePort(drachtio: Drachtio, clock: Clock): MessagePort {
  return {
    async send(delivery: Delivery) {
      const { message, binding, callId, attempt, receivedAt } = delivery;
      const method = delivery.method ?? 'MESSAGE';
      const { headers, from, to, body, maxForwards } = message;
      const date = firstHeader(headers, 'date') === undefined ? { Date: new Date(receivedAt).toUTCString() } : {};
      const {
        status,
        reason,
        local,
        lines,
        body: answer,
      } = await sendRequest(drachtio, clock, {
        method,
        ...routed(binding.uri, drachtio.flows.pathTo(binding)),
        headers: {
          ...toRecord(headers),
          ...date,
          from: withTag(from, branchTag(callId)),
          to,
          'call-id': callId,
          cseq: `${attempt} ${method}`,
          'max-forwards': String(maxForwards),
        },
        body,
      });
      return { status, reason, local, headers: endToEnd(lines, answer), body: answer };
    },
  };
}

/** What of a request goes on to a phone or the trunk; `lines` are its header fields as they may go on. */
export function messageOf(lines: HeaderLines, body: string): TextMessage {
  const first = (name: string): string => firstHeader(lines, name) ?? '';
  const hops = Number.parseInt(firstHeader(lines, 'max-forwards') ?? '70', 10);
  const expires = Number.parseInt(first('expires'), 10);
  const request = [first('call-id'), first('cseq'), tagOf(first('from'))].join('\n');
  const message: Writable<TextMessage> = {
    id: sha256(request, 'base64url'),
    from: withoutTag(first('from')),
    to: withoutTag(first('to')),
    headers: endToEnd(lines, body),
    body,
    contentType: first('content-type'),
    maxForwards: Math.max(0, (Number.isNaN(hops) ? 70 : hops) - 1),
  };
  if (expires > 0) message.expires = expires * 1000;
  return message;
}

/** Who sent a message, as asserted, unless he asked to stay unknown. */
export function senderOf({ headers, from }: Pick<TextMessage, 'headers' | 'from'>): Sender {
  const { callerName: name, callerNumber: address, privacy } = faceOf([['From', from], ...headers], '', '');
  if (privacy) return {};
  return { ...(name === undefined ? {} : { name }), ...(address === undefined ? {} : { address }) };
}
