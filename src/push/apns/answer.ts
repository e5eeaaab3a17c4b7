import type { AnswerFields } from '../http2/field-list.js';

/** What Apple's answer says, checked: nothing in it is taken on trust. */
export interface ApnsAnswer {
  readonly status: number;
  /** Apple's reason; empty without one. */
  readonly reason: string;
  /** Epoch milliseconds since when a token is dead (410). */
  readonly timestamp?: number;
  readonly apnsId?: string;
  readonly retryAfterMs?: number;
  /** The other side's clock, epoch milliseconds, if it tells (Apple's documentation promises no Date header). */
  readonly date?: number;
}

/** Reads an answer other than 200 ("Handling notification responses from APNs"). A body that isn't Apple's JSON gives an empty reason. */
export function readAnswer(status: number, headers: AnswerFields, body: string, now: number): ApnsAnswer {
  const apnsId = readApnsId(headers.get('apns-id'));
  const { reason, timestamp } = readBody(body);
  const retryAfterMs = readRetryAfter(headers.get('retry-after'), now);
  const date = Date.parse(headers.get('date') ?? '');
  return {
    status,
    reason: reason ?? '',
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(apnsId === undefined ? {} : { apnsId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(Number.isNaN(date) ? {} : { date }),
  };
}

/** The id Apple names a push by, if it is one. */
export function readApnsId(value: string | undefined): string | undefined {
  return value !== undefined && /^[0-9a-f-]{36}$/i.test(value) ? value : undefined;
}

function readBody(body: string): { reason?: string; timestamp?: number } {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return {};
    const reason = 'reason' in parsed && typeof parsed.reason === 'string' ? parsed.reason : '';
    const timestamp = 'timestamp' in parsed ? parsed.timestamp : undefined;
    return {
      ...(/^\w{1,64}$/.test(reason) ? { reason } : {}),
      ...(typeof timestamp === 'number' && Number.isFinite(timestamp) && timestamp > 0 ? { timestamp } : {}),
    };
  } catch {
    return {};
  }
}

function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
