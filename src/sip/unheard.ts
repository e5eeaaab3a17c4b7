import type { Socket } from 'node:net';

/** The embedded engine repeats no message that it sends for an application of this tag; drachtio-server knows it as a name like any other. */
export const BRIEF_REPLIES = 'brief-replies';

/** What is sent under that id has no reply: with that tag the embedded engine gives none, and another engine's is nobody's. */
const UNHEARD = '-';

/** Sends the engine a command of which nobody wants to hear more. */
export function sendUnheard(socket: Socket, command: string): void {
  const frame = `${UNHEARD}|${command}`;
  socket.write(`${Buffer.byteLength(frame)}#${frame}`);
}
