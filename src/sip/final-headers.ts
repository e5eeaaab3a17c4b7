import type { RejectOptions } from '../calls/port.js';
import { withoutPushParams } from './caller-identity.js';
import { allHeaders, endToEnd, type HeaderRecord, toRecord } from './header-lines.js';
import type { LegResponse } from './invite-branch.js';
import { SIPS_NOT_ALLOWED } from './sips.js';

/** Header fields of the final response (300 or more) that the caller gets, `from` that of a phone or peer. */
export function finalHeaders(status: number, options: RejectOptions, from: LegResponse | undefined): HeaderRecord {
  const { q850, retryAfter, warning, contact, sips } = options;
  return {
    ...(q850 === undefined ? {} : { Reason: `Q.850;cause=${q850.cause};text="${q850.text}"` }),
    ...toRecord(endToEnd(from?.lines ?? [], from?.body ?? '')),
    ...redirection(status, from),
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
    ...(warning === undefined ? {} : { Warning: `399 callwake "${warning}"` }),
    ...(sips && toRecord(SIPS_NOT_ALLOWED)),
    ...(contact === undefined ? {} : { Contact: `<${contact}>` }),
  };
}

/** A redirect is worth nothing without its Contact; push parameters are taken out of it. */
function redirection(status: number, from: LegResponse | undefined): HeaderRecord {
  if (status >= 400 || from === undefined) return {};
  const contacts = allHeaders(from.lines, 'contact').join(', ');
  return contacts === '' ? {} : { Contact: withoutPushParams(contacts) };
}
