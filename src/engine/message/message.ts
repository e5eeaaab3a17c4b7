import type { Buffer } from 'node:buffer';
import { parseUri, type SipUri } from '../../grammar/uri.js';
import { type HeaderLines, oneLine, SipHeaders } from './headers.js';
import { reasonPhrase } from './reason.js';

/** A request; see {@link SipHeaders} for its headers. */
export class SipRequest extends SipHeaders {
  readonly kind = 'request';
  readonly method: string;
  private text: string;
  private parsed: SipUri | undefined = undefined;

  constructor(method: string, uri: string, lines?: HeaderLines, body?: Buffer) {
    super(lines, body);
    this.method = method;
    this.text = uri;
  }

  /** The Request-URI. */
  get uri(): string {
    return this.text;
  }

  set uri(uri: string) {
    this.text = uri;
    this.parsed = undefined;
    this.startChanged();
  }

  /** The Request-URI, parsed when first asked for; for reading only. Throws GrammarError. */
  get parsedUri(): SipUri {
    this.parsed ??= parseUri(this.text);
    return this.parsed;
  }

  override compact(): void {
    super.compact();
    this.parsed = undefined;
  }

  /** A copy, of another method if one is given. */
  clone(method = this.method): SipRequest {
    const copy = new SipRequest(method, this.text, this.copyLines(), this.body);
    copy.encoding = this.encoding;
    return copy;
  }

  protected override startLine(): string {
    return `${this.method} ${oneLine(this.text)} SIP/2.0`;
  }
}

/** A response; see {@link SipHeaders} for its headers. */
export class SipResponse extends SipHeaders {
  readonly kind = 'response';
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string = reasonPhrase(status), lines?: HeaderLines, body?: Buffer) {
    super(lines, body);
    this.status = status;
    this.reason = reason;
  }

  /** A copy, of another status if one is given. */
  clone(status = this.status, reason = this.reason): SipResponse {
    const copy = new SipResponse(status, reason, this.copyLines(), this.body);
    copy.encoding = this.encoding;
    return copy;
  }

  protected override startLine(): string {
    return `SIP/2.0 ${this.status} ${oneLine(this.reason)}`;
  }
}

export type SipMessage = SipRequest | SipResponse;

/**
 * A response with what RFC 3261 section 8.2.6.2 has it copy: Via set, From, To, Call-ID, CSeq, and Timestamp into a 100. `toTag` goes
 * onto the To of a response above 100 when the request's To had no tag. Record-Route is the caller's business.
 */
export function createResponse(
  request: SipRequest,
  status: number,
  reason: string = reasonPhrase(status),
  toTag?: string,
): SipResponse {
  const response = new SipResponse(status, reason);
  response.encoding = request.encoding;
  for (const via of request.all('via')) response.add('Via', via);
  copyFirst(request, response, 'From', 'from');
  copyFirst(request, response, 'To', 'to');
  copyFirst(request, response, 'Call-ID', 'call-id');
  copyFirst(request, response, 'CSeq', 'cseq');
  if (status === 100) copyFirst(request, response, 'Timestamp', 'timestamp');
  else if (toTag !== undefined) addToTag(response, toTag);
  return response;
}

/** Puts a tag on the To that has none; a To that is malformed is left alone. */
export function addToTag(response: SipResponse, tag: string): void {
  try {
    response.tagTo(tag);
  } catch {
    return;
  }
}

function copyFirst(request: SipRequest, response: SipResponse, name: string, key: string): void {
  const value = request.get(key);
  if (value !== undefined) response.add(name, value);
}
