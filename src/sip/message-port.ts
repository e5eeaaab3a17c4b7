import type { Clock } from '../clock/clock.js';
import type { TextMessage } from '../messages/message.js';
import type { Sender } from '../messages/notification.js';
import type { Delivery, MessagePort } from '../messages/port.js';
import { branchTag } from './dialogs.js';
import type { Drachtio } from './drachtio.js';
import { faceOf } from './face.js';
import { endToEnd, firstHeader, toRecord } from './header-lines.js';
import { routed } from './invite-branch.js';
import { sendRequest } from './send-request.js';
import { withTag } from './tags.js';

/** Hands messages to phones as MESSAGE over their bindings (RFC 3428). */
export function messagePort(drachtio: Drachtio, clock: Clock): MessagePort {
  return {
    async send({ message, binding, callId, attempt, receivedAt }: Delivery) {
      const { headers, from, to, body, maxForwards } = message;
      const date = firstHeader(headers, 'date') === undefined ? { Date: new Date(receivedAt).toUTCString() } : {};
      const {
        status,
        reason,
        local,
        lines,
        body: answer,
      } = await sendRequest(drachtio, clock, {
        method: 'MESSAGE',
        ...routed(binding.uri, binding.path),
        headers: {
          ...toRecord(headers),
          ...date,
          from: withTag(from, branchTag(callId)),
          to,
          'call-id': callId,
          cseq: `${attempt} MESSAGE`,
          'max-forwards': String(maxForwards),
        },
        body,
      });
      return { status, reason, local, headers: endToEnd(lines, answer), body: answer };
    },
  };
}

/** Who sent a message, as asserted, unless he asked to stay unknown. */
export function senderOf({ headers, from }: Pick<TextMessage, 'headers' | 'from'>): Sender {
  const { callerName: name, callerNumber: address, privacy } = faceOf([['From', from], ...headers], '', '');
  if (privacy) return {};
  return { ...(name === undefined ? {} : { name }), ...(address === undefined ? {} : { address }) };
}
