import type { Buffer } from 'node:buffer';

/** As much of a message as is looked at; To stands near the top. */
const LOOKED_AT = 2048;
const TO_WITH_TAG = /\n(?:to|t)[ \t]*:[^\n]*;[ \t]*tag[ \t]*=/i;
const ALWAYS_IN_PROGRESS = /^(?:SIP\/|ACK |BYE |PRACK |UPDATE )/;

/**
 * Whether a message asks for new work: a request outside any dialog. CANCEL counts too, or it would overtake its INVITE. It is looked at
 * before it is parsed: what can't be read can wait.
 */
export function canWait(data: Buffer): boolean {
  const text = data.toString('latin1', 0, LOOKED_AT);
  if (ALWAYS_IN_PROGRESS.test(text)) return false;
  return text.startsWith('CANCEL ') || !TO_WITH_TAG.test(text);
}
