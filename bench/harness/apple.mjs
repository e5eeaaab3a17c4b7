// Apple's end of a bench, as a process of its own: it takes pushes over HTTP/2 and TLS as the simulator of src/sim/apns does, judges the
// provider token once for each connection, the rest of each push as far as a bench can get it wrong, and has nothing else to do, since Apple's
// servers don't run on the processors of callwake. Prints one line of JSON when it listens, and five times a second how many
// pushes came: attempts, different apns-ids, and different things that they tell of.
//   node bench/harness/apple.mjs KEYFILE TEAM KEY TOPIC PHONES
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { Flag, FrameType, Setting } from '../../dist/push/http2/codes.js';
import { FrameReader } from '../../dist/push/http2/frame-reader.js';
import { HpackDecoder } from '../../dist/push/http2/hpack-decoder.js';
import { judgeProviderToken } from '../../dist/sim/apns/provider-token.js';
import { makeCertificate } from '../../dist/sim/tls/certificate.js';
import { alertTokenOf } from './registering-phones.mjs';

const [keyFile, teamId, keyId, topic, phones] = process.argv.slice(2);
const key = { teamId, keyId, publicKey: createPublicKey(readFileSync(keyFile)) };
const tokens = new Set(Array.from({ length: Number(phones) }, (_, n) => alertTokenOf(n + 1)));
const [ids, things] = [new Set(), new Set()];
let pushes = 0;

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const MAX_WINDOW = 2 ** 31 - 1;
const DEFAULT_WINDOW = 65_535;
/** Of a connection before its first good push, and after it, as Apple has it. */
const [FIRST_STREAMS, STREAMS] = [1, 1000];

class Connection {
  #socket;
  #decoder = new HpackDecoder(4096);
  #reader = new FrameReader((...frame) => this.#onFrame(...frame));
  #preface = PREFACE.length;
  #streams = new Map();
  #out = [];
  /** A good push has come. */
  #welcome = false;
  /** The provider token that was found good. */
  #token;

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (bytes) => this.#onData(bytes));
    this.#settings(FIRST_STREAMS);
    const window = Buffer.alloc(4);
    window.writeUInt32BE(MAX_WINDOW - DEFAULT_WINDOW);
    this.#send(FrameType.WINDOW_UPDATE, 0, 0, window);
    this.#flush();
  }

  #onData(bytes) {
    const skipped = Math.min(this.#preface, bytes.length);
    this.#preface -= skipped;
    this.#reader.read(bytes.subarray(skipped));
    this.#flush();
  }

  #onFrame(type, flags, id, bytes, from, to) {
    if (type === FrameType.HEADERS) {
      if ((flags & Flag.END_HEADERS) === 0 || (flags & (Flag.PADDED | Flag.PRIORITY)) !== 0) {
        throw new Error('HEADERS of a kind that callwake does not send');
      }
      const fields = new Map();
      this.#decoder.decode(bytes, from, to, { take: ({ name, value }) => fields.set(name, value) });
      this.#streams.set(id, { fields, body: '' });
    } else if (type === FrameType.DATA) {
      const stream = this.#streams.get(id);
      if (stream === undefined) return;
      stream.body += bytes.toString('latin1', from, to);
      if ((flags & Flag.END_STREAM) === 0) return;
      this.#streams.delete(id);
      this.#answer(id, stream);
    } else if (type === FrameType.RST_STREAM) this.#streams.delete(id);
    else if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) this.#send(FrameType.SETTINGS, Flag.ACK, 0);
    else if (type === FrameType.PING && (flags & Flag.ACK) === 0) {
      this.#send(FrameType.PING, Flag.ACK, 0, Buffer.from(bytes.subarray(from, to)));
    }
  }

  #answer(id, { fields, body }) {
    const [status, reason] = this.#judge(fields, body);
    const apnsId = fields.get('apns-id') ?? '';
    if (status === 200 && !this.#welcome) this.#settings(STREAMS);
    this.#welcome ||= status === 200;
    this.#send(FrameType.HEADERS, Flag.END_HEADERS | (reason === undefined ? Flag.END_STREAM : 0), id, [
      literal(':status', String(status)),
      literal('apns-id', apnsId),
    ]);
    if (reason !== undefined) this.#send(FrameType.DATA, Flag.END_STREAM, id, Buffer.from(JSON.stringify({ reason })));
  }

  #judge(fields, body) {
    pushes++;
    const token = /^\/3\/device\/([0-9a-f]+)$/.exec(fields.get(':path') ?? '')?.[1] ?? '';
    const authorization = fields.get('authorization');
    if (fields.get(':method') !== 'POST') return [405, 'MethodNotAllowed'];
    const keyOf = (id) => (id === keyId ? key : undefined);
    const signed = judgeProviderToken(authorization, keyOf, 'production', Date.now(), this.#token);
    if (typeof signed === 'string') return [403, signed];
    this.#token = signed;
    if (fields.get('apns-topic') !== topic) return [400, 'TopicDisallowed'];
    if (!tokens.has(token)) return [400, 'BadDeviceToken'];
    const payload = JSON.parse(Buffer.from(body, 'latin1').toString());
    if (payload.aps === undefined) return [400, 'PayloadEmpty'];
    ids.add(fields.get('apns-id'));
    things.add(`${token} ${payload.callwake?.id ?? payload.callUuid}`);
    return [200];
  }

  #settings(streams) {
    const setting = Buffer.alloc(6);
    setting.writeUInt16BE(Setting.MAX_CONCURRENT_STREAMS);
    setting.writeUInt32BE(streams, 2);
    this.#send(FrameType.SETTINGS, 0, 0, setting);
  }

  #send(type, flags, id, payload = Buffer.alloc(0)) {
    const bytes = Array.isArray(payload) ? Buffer.concat(payload) : payload;
    const head = Buffer.alloc(9);
    head.writeUIntBE(bytes.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(id, 5);
    this.#out.push(head, bytes);
  }

  /** What answers one piece that came leaves in one piece. */
  #flush() {
    if (this.#out.length === 0) return;
    this.#socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }
}

/** A field that goes into no table (RFC 7541 section 6.2.2). */
function literal(name, value) {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

const certificate = makeCertificate({ altNames: ['localhost', '127.0.0.1'] });
const server = tls.createServer({ key: certificate.key, cert: certificate.cert, ALPNProtocols: ['h2'] }, (socket) => {
  new Connection(socket);
});
server.listen(0, '127.0.0.1', () => {
  const { address: host, port } = server.address();
  const endpoints = { production: { host, port }, sandbox: { host, port } };
  process.stdout.write(`${JSON.stringify({ endpoints, ca: certificate.cert })}\n`);
});
setInterval(() => {
  process.stdout.write(`${JSON.stringify({ pushes, ids: ids.size, things: things.size })}\n`);
}, 200);
process.on('SIGTERM', () => process.exit(0));
