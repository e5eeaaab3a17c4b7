import { splitList } from '../grammar/list.js';
import { unquote } from '../grammar/params.js';
import type { PushService } from './settings.js';

/**
 * One Feature-Caps value for one push service (RFC 8599 section 5.4, P4, P5):
 * `*;+sip.pns="apns";+sip.pnsreg="130";+sip.pnspurr="…"`. One header line each, never joined.
 */
export function featureCap(service: PushService, extra: { pnsregSeconds?: number; purr?: string } = {}): string {
  let value = `*;+sip.pns="${service.provider}"`;
  if (service.vapid !== undefined) value += `;+sip.vapid="${service.vapid}"`;
  if (extra.pnsregSeconds !== undefined) value += `;+sip.pnsreg="${extra.pnsregSeconds}"`;
  if (extra.purr !== undefined) value += `;+sip.pnspurr="${extra.purr}"`;
  return value;
}

/** The push services that Feature-Caps values name, lower case. Values that make no sense are passed over. */
export function pushServicesIn(values: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const value of values.flatMap((line) => splitList(line))) {
    for (const part of value.split(';').slice(1)) {
      const [name = '', text = ''] = part.split('=', 2);
      if (name.trim().toLowerCase() === '+sip.pns') found.push(unquote(text.trim()).toLowerCase());
    }
  }
  return found;
}
