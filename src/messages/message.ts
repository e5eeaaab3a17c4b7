/** Header fields as name and value, in order. */
export type Headers = readonly (readonly [string, string])[];

/** A MESSAGE (RFC 3428) that is to go to the devices of a user. */
export interface TextMessage {
  /** Names the sender's request: the same when it is sent again. */
  readonly id: string;
  /** From without its tag. */
  readonly from: string;
  /** To without a tag. */
  readonly to: string;
  /** Header fields that go through untouched, Content-Type included. */
  readonly headers: Headers;
  readonly body: string;
  readonly contentType: string;
  /** What the next hop gets. */
  readonly maxForwards: number;
  /** Milliseconds after which nobody wants to read it any more (its Expires). */
  readonly expires?: number;
}

/** Whether the device's user is told by push: now; when the device, which seemed awake, turns out to sleep; or never. */
export type PushDue = 'now' | 'if-missed' | 'never';

/** A message in a device's queue. */
export interface StoredMessage extends TextMessage {
  readonly v: 1;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** Epoch milliseconds up to which it is kept for the device. */
  readonly keptUntil: number;
  readonly push: PushDue;
  /** How often the device has refused it for a time. */
  readonly refusals?: number;
}

/** A message that could not be delivered. */
export interface DeadMessage extends StoredMessage {
  readonly queue: string;
  readonly reason: string;
  readonly diedAt: number;
}

/** How one attempt to hand a message to a device ended. */
export interface SendResult {
  readonly status: number;
  readonly reason: string;
  /** It stands for no answer, or no connection. */
  readonly local: boolean;
  /** Header fields of the answer that go through. */
  readonly headers: Headers;
  readonly body: string;
}

/**
 * What a MESSAGE is for: `text` a person reads; `receipt` (RFC 5438 IMDN) tells what became of one; `composing` (RFC 3994) is worth
 * something only now.
 */
export type MessageUse = 'text' | 'receipt' | 'composing';

/** What a MESSAGE is for, by its content; inside CPIM (RFC 3862) that of what CPIM wraps. */
export function useOf({ contentType, body }: Pick<TextMessage, 'contentType' | 'body'>): MessageUse {
  const type = mediaType(contentType);
  const inner = type === 'message/cpim' ? mediaType(innerType(body)) : type;
  if (inner === 'application/im-iscomposing+xml') return 'composing';
  return inner === 'message/imdn+xml' ? 'receipt' : 'text';
}

/** The text that a person may read in it, if it is plain text, within CPIM too. */
export function textOf({ contentType, body }: Pick<TextMessage, 'contentType' | 'body'>): string | undefined {
  const type = mediaType(contentType);
  if (type === 'text/plain') return body;
  if (type !== 'message/cpim' || mediaType(innerType(body)) !== 'text/plain') return undefined;
  return parts(body)[2];
}

/** What CPIM wraps has header fields of its own, after the first empty line (RFC 3862 section 2). */
function innerType(body: string): string {
  return field(parts(body)[1] ?? '', 'content-type') ?? 'text/plain';
}

/** CPIM's header fields, those of what it wraps, and that. */
function parts(body: string): string[] {
  const first = split(body);
  return [first[0], ...split(first[1])];
}

function split(text: string): [string, string] {
  const end = /\r?\n\r?\n/.exec(text);
  return end === null ? [text, ''] : [text.slice(0, end.index), text.slice(end.index + end[0].length)];
}

function field(headers: string, name: string): string | undefined {
  for (const line of headers.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

function mediaType(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
