/** Bounds on one message. */
export interface MessageLimits {
  /** Start line, headers and body. 256 KiB. */
  readonly messageBytes: number;
  /** Start line and headers together. 64 KiB. */
  readonly headBytes: number;
  /** Header lines. 256. */
  readonly headers: number;
  /** One header line, folds included. 16 KiB. */
  readonly headerBytes: number;
}

export const defaultMessageLimits: MessageLimits = {
  messageBytes: 256 * 1024,
  headBytes: 64 * 1024,
  headers: 256,
  headerBytes: 16 * 1024,
};
