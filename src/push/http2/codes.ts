/** Types of frames (RFC 9113 section 6). */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags of frames (RFC 9113 section 6); ACK and END_STREAM belong to different types. */
export const Flag = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** Parameters of SETTINGS (RFC 9113 section 6.5.2). */
export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

/** Error codes (RFC 9113 section 7). */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** A code in the RFC's words, or as a number where it has none. */
export const nameOfCode = (code: number): string => NAMES.get(code) ?? `code ${code}`;

/** Something after which a connection can't go on (RFC 9113 section 5.4.1). The message says what, in words for a log. */
export class ConnectionError extends Error {
  readonly code: number;

  /** @param code goes into the GOAWAY */
  constructor(code: number, what: string) {
    super(`${nameOfCode(code)}: ${what}`);
    this.code = code;
  }
}

/** The largest frame that either side may send unless the other allows more (RFC 9113 section 4.2): callwake never allows or uses more. */
export const MAX_FRAME = 16_384;
/** Of a frame's header (RFC 9113 section 4.1). */
export const FRAME_HEAD = 9;
/** Of either window, until told otherwise (RFC 9113 section 6.9.2). */
export const INITIAL_WINDOW = 65_535;
/** No window may be larger, and no stream's number (RFC 9113 sections 5.1.1 and 6.9.1). */
export const MAX_31_BITS = 2 ** 31 - 1;
