import type { Socket } from 'node:net';

/**
 * Has a connection read once in a turn of the event loop. The system is asked up to 32 times otherwise while there is more, and what waits for the
 * same commit, and leaves together after it, would be all that came instead of what one read gave.
 */
export function readOnceATurn(socket: Socket): void {
  socket.on('data', () => {
    socket.pause();
    setImmediate(() => socket.resume());
  });
}
