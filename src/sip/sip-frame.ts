/** A SIP message in what the engine tells over its control connection (drachtio's protocol). */
export interface SipFrame {
  /** Up to the end of the start line. */
  readonly start: string;
  /** The whole message. */
  readonly raw: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  /** What the engine calls the transaction. */
  readonly transaction: string;
  /** What the engine calls the dialog; empty outside one. */
  readonly dialog: string;
}

/** The message from the network that is in a frame; undefined for frames of another kind, and when anything that concerns it is missing. */
export function sipFrame(frame: string): SipFrame | undefined {
  const kind = frame.indexOf('|');
  if (!frame.startsWith('|sip|network|', kind)) return undefined;
  const end = frame.indexOf('\r\n', kind);
  if (end < 0) return undefined;
  const [, , , , protocol, address, port, , transaction, dialog] = frame.slice(0, end).split('|');
  if (protocol === undefined || address === undefined || !transaction || dialog === undefined) return undefined;
  const raw = frame.slice(end + 2);
  return {
    start: raw.slice(0, raw.indexOf('\r\n')),
    raw,
    protocol,
    address,
    port: Number.parseInt(port ?? '', 10) || 5060,
    transaction,
    dialog,
  };
}
