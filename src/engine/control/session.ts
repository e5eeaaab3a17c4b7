import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/clock.js';
import { ProtocolError } from './command-error.js';
import { FrameDecoder, FrameError, FrameWriter, MAX_FRAME } from './frame.js';
import { type Command, noReply, parseCommand } from './wire.js';

export interface SessionLimits {
  /** Bytes that may wait for a slow app before it gets no new work. 4 MiB. */
  queueBytes: number;
  /** Bytes at which an app that does not read is given up. 32 MiB. */
  giveUpBytes: number;
  /** Milliseconds that a connection has to authenticate. 5 s. */
  authenticateWithin: number;
}

export const defaultSessionLimits: SessionLimits = {
  queueBytes: 4 * 1024 * 1024,
  giveUpBytes: 32 * 1024 * 1024,
  authenticateWithin: 5_000,
};

/** Bytes that are written without waiting for more. */
const AT_ONCE = 65_536;

/** Longest frame before the secret was shown. */
const FIRST_FRAME = 4_096;

export interface SessionUser {
  /** Each command after authentication, and `authenticate` itself. */
  onCommand(session: ControlSession, command: Command): void;
  onClosed(session: ControlSession, why: string): void;
}

/** One connection of an app, from its first byte to its end. */
export class ControlSession {
  /** What the app calls itself. */
  tags: readonly string[] = [];
  readonly remote: string;
  readonly #socket: Socket;
  readonly #user: SessionUser;
  readonly #limits: SessionLimits;
  readonly #decoder: FrameDecoder;
  #deadline: Timer | undefined;
  #authenticated = false;
  #closed = false;
  readonly #outgoing = new FrameWriter();
  /** The frames of this turn of the event loop are written at its end. */
  #flushing = false;
  #why = 'closed by the app';

  constructor(socket: Socket, user: SessionUser, clock: Clock, limits: SessionLimits) {
    this.#socket = socket;
    this.#user = user;
    this.#limits = limits;
    this.#decoder = new FrameDecoder(FIRST_FRAME);
    this.remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', (error) => {
      this.#why = error.message;
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => this.#onClose());
    this.#deadline = clock.setTimeout(() => this.close('did not authenticate in time'), limits.authenticateWithin);
  }

  get authenticated(): boolean {
    return this.#authenticated;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether it reads fast enough to be given new work. */
  get ready(): boolean {
    return this.#authenticated && !this.#closed && this.#waiting < this.#limits.queueBytes;
  }

  /** The secret was right: everything is heard from now on. */
  accept(tags: readonly string[]): void {
    this.#authenticated = true;
    this.tags = tags;
    this.#deadline?.cancel();
    this.#decoder.limit = MAX_FRAME;
  }

  /** Sends one message; what was sent in one turn of the event loop leaves together. False when the connection is closed, or the message too long. */
  send(head: string, tail?: Buffer): boolean {
    if (this.#closed) return false;
    if (!this.#outgoing.add(head, tail)) return false;
    if (this.#outgoing.length > AT_ONCE) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
    const waiting = this.#waiting;
    if (waiting > this.#limits.giveUpBytes) this.close('does not read');
    else if (waiting > this.#limits.queueBytes) this.#socket.pause();
    return true;
  }

  /** Answers `NO` and closes. */
  refuse(id: string, reason: string): void {
    this.send(noReply(id, reason));
    this.#end(reason);
  }

  /** Drops the connection and what still waits to be written. */
  close(why: string): void {
    if (this.#closed) return;
    this.#why = why;
    this.#socket.destroy();
    this.#onClose();
  }

  /** Bytes on their way to the app. */
  get #waiting(): number {
    return this.#socket.writableLength + this.#outgoing.length;
  }

  #flush(): void {
    if (this.#outgoing.length > 0 && !this.#socket.destroyed) this.#socket.write(this.#outgoing.take());
  }

  #end(why: string): void {
    this.#why = why;
    this.#flush();
    this.#socket.end(() => this.#socket.destroySoon());
    this.#onClose();
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      this.#decoder.push(chunk, (message) => this.#onMessage(message));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close(`broken frame: ${error.message}`);
    }
  }

  #onMessage(message: Buffer): void {
    if (this.#closed) return;
    let command: Command;
    try {
      command = parseCommand(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.refuse(error.messageId, error.message);
      return;
    }
    if (!this.#authenticated && command.type !== 'authenticate') {
      this.refuse(command.id, 'not authenticated');
      return;
    }
    this.#user.onCommand(this, command);
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadline?.cancel();
    this.#user.onClosed(this, this.#why);
  }
}
