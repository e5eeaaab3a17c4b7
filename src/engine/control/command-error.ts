/** A command that was understood as a frame but can't be done; its text goes back to the app as `NOK|text`. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** A command that breaks the protocol: answered with `NO|text`, and the connection is closed. */
export class ProtocolError extends Error {
  override name = 'ProtocolError';
  /** The id of the message it answers, where one could be read. */
  readonly messageId: string;

  constructor(messageId: string, text: string) {
    super(text);
    this.messageId = messageId;
  }
}
