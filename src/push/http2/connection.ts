import type { Duplex } from 'node:stream';
import type { Clock } from '../../clock/clock.js';
import { Abandoned } from './abandoned.js';
import { ConnectionError, ErrorCode, Flag, FrameType, MAX_31_BITS, Setting } from './codes.js';
import type { ConnectionEvents } from './connection-events.js';
import { FieldBlock } from './field-block.js';
import { FieldList } from './field-list.js';
import { FrameBudget } from './frame-budget.js';
import { FrameReader } from './frame-reader.js';
import { HpackDecoder } from './hpack-decoder.js';
import type { HeaderField } from './hpack-encoder.js';
import { Outlet } from './outlet.js';
import { broken, mustBeOfConnection, mustHave, unpadded } from './payload.js';
import { ReceiveWindow } from './receive-window.js';
import { RequestWriter } from './requests.js';
import { CLIENT_PREFACE, readSettings } from './settings.js';
import { type RequestStream, Stream, type StreamEnd, type StreamEvents } from './stream.js';

export interface ConnectionOptions {
  /** Connected, TLS up, `h2` agreed on. Nothing else may read or write it. It's destroyed at the end. */
  readonly socket: Duplex;
  readonly clock: Clock;
  readonly events: ConnectionEvents;
  /** Odd; 1 unless told otherwise. */
  readonly firstStream?: number;
}

/** Replies that the other side has caused and not read: more means that it only wants us to grow. */
const MAX_OWED = 1_000;
const PING_SIZE = 8;
const NOTHING = new Uint8Array(0);

/**
 * The client's end of an HTTP/2 connection (RFC 9113), as lean as pushes want it: a request is a header block and a small body in the
 * buffer that is sent at the end of the turn, and no object of Node's streams. What a server may do, it may do; what it may not, ends the
 * stream or the connection with the error that the RFC names. Servers push nothing here, and priorities are ignored.
 */
export class Http2Connection {
  readonly #events: ConnectionEvents;
  readonly #reader: FrameReader;
  readonly #budget: FrameBudget;
  readonly #outlet: Outlet;
  readonly #requests: RequestWriter;
  readonly #decoder = new HpackDecoder(4096);
  readonly #window = new ReceiveWindow();
  readonly #streams = new Map<number, Stream>();
  readonly #abandoned = new Abandoned();
  readonly #cancel = (stream: Stream): void => {
    if (!stream.isOpen) return;
    this.#reset(stream, ErrorCode.CANCEL, false);
    this.#forget(stream);
  };
  readonly #onSetting = (id: number, value: number): void => this.#set(id, value);
  #next: number;
  /** Streams up to this one have been handed to the socket. */
  #sent: number;
  /** A GOAWAY's; undefined before one. */
  #last: number | undefined;
  #maxStreams = Number.POSITIVE_INFINITY;
  #block: FieldBlock | undefined;
  #greeted = false;
  #acknowledged = false;
  #closed = false;
  #owed = 0;
  #pings = 0;
  readonly #ping = Buffer.alloc(PING_SIZE);
  #trouble = '';

  constructor({ socket, clock, events, firstStream = 1 }: ConnectionOptions) {
    this.#events = events;
    this.#next = firstStream;
    this.#sent = firstStream - 2;
    this.#budget = new FrameBudget(clock);
    this.#reader = new FrameReader((type, flags, id, bytes, from, to) =>
      this.#onFrame(type, flags, id, bytes, from, to),
    );
    this.#outlet = new Outlet(socket, () => this.#onFlush());
    this.#requests = new RequestWriter(this.#outlet, this.#budget);
    // At once, so that there is nothing that a GOAWAY could come before.
    this.#outlet.raw(CLIENT_PREFACE);
    this.#outlet.flush();
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', (error: Error) => {
      this.#trouble ||= error.message;
    });
    socket.on('end', () => this.#end('closed by the other side'));
    socket.on('close', () => this.#end(this.#trouble || 'closed by the other side'));
    if (socket.destroyed) setImmediate(() => this.#end('closed by the other side'));
  }

  /** A request may be made, if SETTINGS' limit allows one more: SETTINGS came, no GOAWAY, and there are numbers left for streams. */
  get isUsable(): boolean {
    return this.#greeted && !this.#closed && this.#last === undefined && this.#next <= MAX_31_BITS;
  }

  /** Requests under way. */
  get streams(): number {
    return this.#streams.size;
  }

  /**
   * Sends a request at the end of this turn of the event loop.
   * @param body empty for none; `latin1` where it has no character above U+00FF
   * @throws Error it isn't usable; TypeError a header field has characters that none may have
   */
  request(
    fields: readonly HeaderField[],
    body: string,
    encoding: 'latin1' | 'utf8',
    events: StreamEvents,
  ): RequestStream {
    if (!this.isUsable) throw new Error('the connection takes no more requests');
    const stream = new Stream(this.#next, events, this.#requests.initialWindow, this.#cancel);
    this.#requests.write(stream, fields, body, encoding);
    this.#streams.set(stream.id, stream);
    this.#next += 2;
    return stream;
  }

  /** Sends a PING. */
  ping(): void {
    if (this.#closed) return;
    this.#ping.writeUInt32BE(++this.#pings, PING_SIZE - 4);
    this.#outlet.frame(FrameType.PING, 0, 0, this.#ping);
  }

  /** Ends it now. Requests under way end before this returns: as `refused` or `unsent` where that is known, else as `lost`. */
  destroy(): void {
    this.#shut(ErrorCode.NO_ERROR, '');
    for (const stream of [...this.#streams.values()]) this.#over(stream, this.#fateOf(stream), ErrorCode.NO_ERROR);
  }

  #onFlush(): void {
    this.#owed = 0;
    while (this.#sent < this.#next - 2) {
      this.#sent += 2;
      this.#streams.get(this.#sent)?.events.onLeave?.();
    }
  }

  #read(bytes: Buffer): void {
    try {
      this.#reader.read(bytes);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#end(error.message, error.code);
    }
  }

  #end(why: string, code: number = ErrorCode.NO_ERROR): void {
    if (this.#closed) return;
    this.#shut(code, why);
    this.#events.onClose(why);
    this.destroy();
  }

  #shut(code: number, why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    const cancelled = [...this.#streams.keys()].filter((id) => id <= this.#sent);
    this.#outlet.end(code, why, cancelled);
  }

  #fateOf(stream: Stream): StreamEnd {
    if (this.#last !== undefined && stream.id > this.#last) return 'refused';
    return stream.id > this.#sent ? 'unsent' : 'lost';
  }

  #onFrame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#budget.spend(this.#streams.size)) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'a flood of frames');
    }
    if (this.#block && (type !== FrameType.CONTINUATION || id !== this.#block.stream)) {
      throw broken(`frame ${type} of stream ${id} amid the fields of stream ${this.#block.stream}`);
    }
    if (!this.#greeted && (type !== FrameType.SETTINGS || flags & Flag.ACK)) {
      throw broken(`frame ${type} before SETTINGS`);
    }
    switch (type) {
      case FrameType.DATA:
        this.#onData(flags, id, bytes, from, to);
        return;
      case FrameType.HEADERS:
        this.#onHeaders(flags, id, bytes, from, to);
        return;
      case FrameType.CONTINUATION:
        this.#onContinuation(flags, bytes, from, to);
        return;
      case FrameType.RST_STREAM:
        this.#onReset(id, bytes, from, to);
        return;
      case FrameType.SETTINGS:
        this.#onSettings(flags, id, bytes, from, to);
        return;
      case FrameType.PING:
        this.#onPing(flags, id, bytes, from, to);
        return;
      case FrameType.GOAWAY:
        this.#onGoaway(id, bytes, from, to);
        return;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(id, bytes, from, to);
        return;
      case FrameType.PRIORITY:
        this.#onPriority(id, to - from);
        return;
      case FrameType.PUSH_PROMISE:
        throw broken('PUSH_PROMISE, which was not allowed');
      default:
      // Section 5.5: what is unknown is ignored.
    }
  }

  #onData(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const [from, to] = unpadded(flags, bytes, start, end);
    this.#mayBeOpen(id, 'DATA');
    if (!this.#window.take(end - start))
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'more DATA than allowed');
    this.#giveBack(0, this.#window);
    const last = (flags & Flag.END_STREAM) !== 0;
    const stream = this.#streams.get(id);
    if (!stream) {
      this.#abandoned.take(id, last);
      return;
    }
    if (!stream.window.take(end - start)) {
      this.#giveUp(stream, ErrorCode.FLOW_CONTROL_ERROR, last);
      return;
    }
    const flaw = stream.takeData(bytes, from, to);
    if (!stream.isOpen) return;
    if (flaw !== undefined) this.#giveUp(stream, ErrorCode.PROTOCOL_ERROR, last);
    else if (last) this.#complete(stream);
    else this.#giveBack(id, stream.window);
  }

  #onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    let [from, to] = unpadded(flags, bytes, start, end);
    if (flags & Flag.PRIORITY) from += 5;
    if (from > to) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'HEADERS too short for its flags');
    this.#mayBeOpen(id, 'HEADERS');
    const last = (flags & Flag.END_STREAM) !== 0;
    if (flags & Flag.END_HEADERS) this.#onFields(id, last, bytes, from, to);
    else {
      this.#block = new FieldBlock(id, last);
      this.#block.add(bytes, from, to);
    }
  }

  #onContinuation(flags: number, bytes: Buffer, from: number, to: number): void {
    const block = this.#block;
    if (!block) throw broken('CONTINUATION of nothing');
    block.add(bytes, from, to);
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.#block = undefined;
    const whole = block.bytes;
    this.#onFields(block.stream, block.last, whole, 0, whole.length);
  }

  #onFields(id: number, last: boolean, bytes: Buffer, from: number, to: number): void {
    const fields = new FieldList();
    this.#decoder.decode(bytes, from, to, fields);
    const stream = this.#streams.get(id);
    if (!stream) {
      this.#abandoned.take(id, last);
      return;
    }
    const flaw = fields.isTooLarge ? undefined : stream.take(fields, last);
    if (!stream.isOpen) return;
    if (fields.isTooLarge) this.#giveUp(stream, ErrorCode.ENHANCE_YOUR_CALM, last);
    else if (flaw !== undefined) this.#giveUp(stream, ErrorCode.PROTOCOL_ERROR, last);
    else if (last) this.#complete(stream);
  }

  #onReset(id: number, bytes: Buffer, from: number, to: number): void {
    mustHave(to - from, 4, 'RST_STREAM');
    this.#mayBeOpen(id, 'RST_STREAM');
    this.#abandoned.delete(id);
    const stream = this.#streams.get(id);
    if (!stream) return;
    const code = bytes.readUInt32BE(from);
    this.#over(stream, code === ErrorCode.REFUSED_STREAM ? 'refused' : 'reset', code);
  }

  #onSettings(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    mustBeOfConnection(id, 'SETTINGS');
    if (flags & Flag.ACK) {
      mustHave(to - from, 0, 'an acknowledgement of SETTINGS');
      if (this.#acknowledged) throw broken('SETTINGS acknowledged twice');
      this.#acknowledged = true;
      return;
    }
    readSettings(bytes, from, to, this.#onSetting);
    this.#greeted = true;
    this.#owe();
    this.#outlet.frame(FrameType.SETTINGS, Flag.ACK, 0, NOTHING);
    this.#events.onSettings(this.#maxStreams);
  }

  #set(id: number, value: number): void {
    if (id === Setting.MAX_CONCURRENT_STREAMS) this.#maxStreams = value;
    else if (id === Setting.HEADER_TABLE_SIZE) this.#requests.encoder.limit(value);
    else if (id === Setting.INITIAL_WINDOW_SIZE) this.#requests.setInitialWindow(value, this.#streams.values());
  }

  #onPing(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    mustBeOfConnection(id, 'PING');
    mustHave(to - from, PING_SIZE, 'PING');
    const payload = bytes.subarray(from, to);
    if (flags & Flag.ACK) {
      if (this.#pings > 0 && this.#ping.equals(payload)) this.#events.onPong();
      return;
    }
    this.#owe();
    this.#outlet.frame(FrameType.PING, Flag.ACK, 0, payload);
  }

  #onGoaway(id: number, bytes: Buffer, from: number, to: number): void {
    mustBeOfConnection(id, 'GOAWAY');
    if (to - from < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `GOAWAY of ${to - from} octets`);
    // A graceful end may send several, the last stream falling.
    const last = Math.min(bytes.readUInt32BE(from) & MAX_31_BITS, this.#last ?? MAX_31_BITS);
    this.#last = last;
    this.#events.onGoaway(bytes.readUInt32BE(from + 4), last, bytes.subarray(from + 8, to));
    for (const stream of [...this.#streams.values()]) {
      if (stream.isOpen && stream.id > last) this.#over(stream, 'refused', ErrorCode.NO_ERROR);
    }
  }

  #onWindowUpdate(id: number, bytes: Buffer, from: number, to: number): void {
    mustHave(to - from, 4, 'WINDOW_UPDATE');
    const by = bytes.readUInt32BE(from) & MAX_31_BITS;
    if (id === 0) {
      if (by === 0) throw broken('WINDOW_UPDATE by 0');
      this.#requests.widen(by);
      return;
    }
    this.#mayBeOpen(id, 'WINDOW_UPDATE');
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (by === 0) this.#giveUp(stream, ErrorCode.PROTOCOL_ERROR, false);
    else if (!this.#requests.widenStream(stream, by)) this.#giveUp(stream, ErrorCode.FLOW_CONTROL_ERROR, false);
  }

  #onPriority(id: number, length: number): void {
    if (id === 0) throw broken('PRIORITY of no stream');
    const stream = this.#streams.get(id);
    if (stream && length !== 5) this.#giveUp(stream, ErrorCode.FRAME_SIZE_ERROR, false);
  }

  /** Only what this client has opened can be open (RFC 9113 section 5.1). */
  #mayBeOpen(id: number, what: string): void {
    if (id === 0 || id % 2 === 0 || id >= this.#next) throw broken(`${what} of stream ${id}, which nobody opened`);
  }

  #giveBack(id: number, window: ReceiveWindow): void {
    const octets = window.giveBack();
    if (octets === 0) return;
    this.#owe();
    this.#outlet.number(FrameType.WINDOW_UPDATE, id, octets);
  }

  #owe(): void {
    if (++this.#owed > MAX_OWED)
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'reads none of the replies it causes');
  }

  /** The whole answer is here. */
  #complete(stream: Stream): void {
    if (stream.lack !== undefined) {
      this.#giveUp(stream, ErrorCode.PROTOCOL_ERROR, true);
      return;
    }
    // Section 8.1: it may come before the whole request has been sent.
    if (stream.rest) this.#outlet.number(FrameType.RST_STREAM, stream.id, ErrorCode.CANCEL);
    this.#over(stream, 'complete', ErrorCode.NO_ERROR);
  }

  /**
   * Ends a stream on which something came that may not.
   * @param ended the other side has ended it
   */
  #giveUp(stream: Stream, code: number, ended: boolean): void {
    this.#reset(stream, code, ended);
    this.#over(stream, 'reset', code);
  }

  #reset(stream: Stream, code: number, ended: boolean): void {
    this.#outlet.number(FrameType.RST_STREAM, stream.id, code);
    if (!ended) this.#abandoned.add(stream.id);
  }

  #over(stream: Stream, end: StreamEnd, code: number): void {
    this.#forget(stream);
    stream.events.onEnd(end, code);
  }

  #forget(stream: Stream): void {
    stream.isOpen = false;
    this.#streams.delete(stream.id);
    this.#requests.drop(stream);
  }
}
