import { isIP } from 'node:net';
import { addressBytes } from './address-bytes.js';
import type { CallMessage } from './call-messages.js';

/** A line that stands between the SIP messages: a push, a timer, a state. */
export interface CaptureNote {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** Wireshark's exported PDUs: each packet names its dissector and addresses itself, so that no port has to be guessed. */
const LINKTYPE_WIRESHARK_UPPER_PDU = 252;
const TAG = {
  end: 0,
  protocol: 12,
  ipv4Source: 20,
  ipv4Target: 21,
  ipv6Source: 22,
  ipv6Target: 23,
  portType: 24,
  sourcePort: 25,
  targetPort: 26,
};
const PORT_TYPE = { tcp: 2, udp: 3 };

/**
 * A capture file (PCAPNG) of a call: its SIP messages with addresses and times, and notes as syslog lines between them. Wireshark
 * shows messages over TLS too, as they are not encrypted here.
 */
export function pcapng(messages: readonly CallMessage[], notes: readonly CaptureNote[] = []): Buffer {
  const packets = [
    ...messages.map((message) => ({ at: message.at, data: sipPdu(message) })),
    ...notes.map(({ at, text }) => ({ at, data: pdu('syslog', [], Buffer.from(`<134>callwake: ${text}`)) })),
  ].sort((a, b) => a.at - b.at);
  return Buffer.concat([sectionHeader(), interfaceBlock(), ...packets.map(({ at, data }) => packetBlock(at, data))]);
}

function sipPdu({ protocol, from, to, text }: CallMessage): Buffer {
  const six = isIP(from.address) === 6 || isIP(to.address) === 6;
  const type = protocol === 'udp' ? PORT_TYPE.udp : PORT_TYPE.tcp;
  return pdu(
    'sip',
    [
      [six ? TAG.ipv6Source : TAG.ipv4Source, addressBytes(from.address, six)],
      [six ? TAG.ipv6Target : TAG.ipv4Target, addressBytes(to.address, six)],
      [TAG.portType, uint32be(type)],
      [TAG.sourcePort, uint32be(from.port)],
      [TAG.targetPort, uint32be(to.port)],
    ],
    Buffer.from(text, 'utf8'),
  );
}

/** Tags and payload of an exported PDU: type and length in network order, values padded to four bytes. */
function pdu(dissector: string, tags: readonly (readonly [number, Buffer])[], payload: Buffer): Buffer {
  const all: readonly (readonly [number, Buffer])[] = [[TAG.protocol, Buffer.from(dissector)], ...tags];
  const parts = all.flatMap(([tag, value]) => {
    const padded = pad(value);
    const head = Buffer.alloc(4);
    head.writeUInt16BE(tag, 0);
    head.writeUInt16BE(padded.length, 2);
    return [head, padded];
  });
  return Buffer.concat([...parts, Buffer.alloc(4), payload]);
}

function sectionHeader(): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(0x1a2b3c4d, 0);
  body.writeUInt16LE(1, 4);
  body.writeBigInt64LE(-1n, 8);
  return block(0x0a0d0d0a, body);
}

/** Times in milliseconds: option if_tsresol 3. */
function interfaceBlock(): Buffer {
  const body = Buffer.alloc(8 + 8 + 4);
  body.writeUInt16LE(LINKTYPE_WIRESHARK_UPPER_PDU, 0);
  body.writeUInt16LE(9, 8);
  body.writeUInt16LE(1, 10);
  body.writeUInt8(3, 12);
  return block(1, body);
}

function packetBlock(at: number, data: Buffer): Buffer {
  const head = Buffer.alloc(20);
  const time = BigInt(Math.max(0, Math.round(at)));
  head.writeUInt32LE(Number(time >> 32n), 4);
  head.writeUInt32LE(Number(time & 0xffff_ffffn), 8);
  head.writeUInt32LE(data.length, 12);
  head.writeUInt32LE(data.length, 16);
  return block(6, Buffer.concat([head, pad(data)]));
}

function block(type: number, body: Buffer): Buffer {
  const length = body.length + 12;
  const whole = Buffer.alloc(length);
  whole.writeUInt32LE(type, 0);
  whole.writeUInt32LE(length, 4);
  body.copy(whole, 8);
  whole.writeUInt32LE(length, length - 4);
  return whole;
}

function pad(value: Buffer): Buffer {
  const rest = value.length % 4;
  return rest === 0 ? value : Buffer.concat([value, Buffer.alloc(4 - rest)]);
}

function uint32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
