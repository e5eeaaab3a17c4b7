import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { CallMessage } from './call-messages.js';
import { type HepSender, hep3, hepLog } from './hep.js';

export interface HepSettings extends HepSender {
  /** The collector. */
  readonly host: string;
  readonly port: number;
}

const MAX_WAITING = 1000;
const MAX_PACKET = 65_000;

/** Sends each SIP message to a Homer collector over UDP. What the network doesn't take is lost, and counted. */
export class HepClient {
  readonly #settings: HepSettings;
  readonly #socket: Socket;
  readonly #onTrouble: (why: string) => void;
  #waiting = 0;
  #lost = 0;
  #told = false;

  /** @param onTrouble Told when sending begins to fail. */
  constructor(settings: HepSettings, onTrouble: (why: string) => void) {
    this.#settings = settings;
    this.#onTrouble = onTrouble;
    this.#socket = createSocket(isIP(settings.host) === 6 ? 'udp6' : 'udp4');
    this.#socket.unref();
    this.#socket.on('error', (error) => this.#lose(error.message));
  }

  /** Packets that could not be sent. */
  get lost(): number {
    return this.#lost;
  }

  send(message: CallMessage, correlationId: string): void {
    this.#send(hep3(message, correlationId, this.#settings));
  }

  /** Sends a line of the log of a call. */
  log(at: number, text: string, correlationId: string): void {
    this.#send(hepLog(at, text, correlationId, this.#settings));
  }

  #send(packet: Buffer): void {
    const { host, port } = this.#settings;
    if (packet.length > MAX_PACKET || this.#waiting >= MAX_WAITING) {
      this.#lose(packet.length > MAX_PACKET ? 'a message is too long for UDP' : 'too many packets wait');
      return;
    }
    this.#waiting++;
    this.#socket.send(packet, port, host, (error) => {
      this.#waiting--;
      if (error !== null) this.#lose(error.message);
      else this.#told = false;
    });
  }

  close(): void {
    this.#socket.close();
  }

  #lose(why: string): void {
    this.#lost++;
    if (!this.#told) this.#onTrouble(why);
    this.#told = true;
  }
}
