import { isIP } from 'node:net';
import { addressBytes } from './address-bytes.js';
import type { CallMessage } from './call-messages.js';

/** Who sends to the collector. */
export interface HepSender {
  /** Names this node at the collector. */
  readonly agentId: number;
  /** The collector's password, if it has one. */
  readonly password?: string;
}

const PROTOCOL_SIP = 1;
/** What Homer shows as the log of a call. */
const PROTOCOL_LOG = 100;
const IP = { tcp: 6, udp: 17 };

/** A SIP message as a HEP3 packet, as Homer's collectors (heplify-server, Kamailio's sipcapture) take it over UDP. */
export function hep3(message: CallMessage, correlationId: string, sender: HepSender): Buffer {
  return packetOf(PROTOCOL_SIP, message, correlationId, sender);
}

/** Something else that happened to a call, as a line of its log at the collector. */
export function hepLog(at: number, text: string, correlationId: string, sender: HepSender): Buffer {
  const here = { address: '127.0.0.1', port: 9060 };
  return packetOf(PROTOCOL_LOG, { at, protocol: 'udp', from: here, to: here, text }, correlationId, sender);
}

function packetOf(
  kind: number,
  { at, protocol, from, to, text }: CallMessage,
  correlationId: string,
  { agentId, password }: HepSender,
): Buffer {
  const six = isIP(from.address) === 6 || isIP(to.address) === 6;
  const chunks = [
    chunk(1, uint8(six ? 10 : 2)),
    chunk(2, uint8(protocol === 'udp' ? IP.udp : IP.tcp)),
    chunk(six ? 5 : 3, addressBytes(from.address, six)),
    chunk(six ? 6 : 4, addressBytes(to.address, six)),
    chunk(7, uint16(from.port)),
    chunk(8, uint16(to.port)),
    chunk(9, uint32(Math.floor(at / 1000))),
    chunk(10, uint32(Math.round((at % 1000) * 1000))),
    chunk(11, uint8(kind)),
    chunk(12, uint32(agentId)),
    ...(password === undefined ? [] : [chunk(14, Buffer.from(password))]),
    chunk(15, Buffer.from(text, 'utf8')),
    chunk(17, Buffer.from(correlationId)),
  ];
  const body = Buffer.concat(chunks);
  return Buffer.concat([Buffer.from('HEP3'), uint16(body.length + 6), body]);
}

function chunk(type: number, value: Buffer): Buffer {
  return Buffer.concat([uint16(0), uint16(type), uint16(value.length + 6), value]);
}

function uint8(value: number): Buffer {
  return Buffer.from([value]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
