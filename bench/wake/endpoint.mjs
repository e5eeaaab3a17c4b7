// Plays Apple's server: HTTP/2 over TLS, answers each push at once and tells the phones of it by a UDP datagram "token time".
// Counts what a push lacks (topic, push type, expiration, a good ES256 provider token), connections and streams at once.
// Forked by run.mjs with: host, port, certificate and key as PEM, the phones' hook.
import { createSocket } from 'node:dgram';
import { createSecureServer } from 'node:http2';
import { monotonic } from './clock.mjs';

const udp = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
const tokens = new Map();
let stats;

function reset(open = 0) {
  stats = { pushes: 0, connections: 0, open, mostOpen: open, mostStreams: 0, bad: {} };
}
reset();

const bad = (what) => {
  stats.bad[what] = (stats.bad[what] ?? 0) + 1;
};

function goodToken(bearer) {
  const [header, claims] = bearer.split('.').map((part) => {
    try {
      return JSON.parse(Buffer.from(part, 'base64url').toString());
    } catch {
      return {};
    }
  });
  return header.alg === 'ES256' && header.kid && claims?.iss && Math.abs(Date.now() / 1000 - claims.iat) < 3600;
}

function take(headers, hook) {
  const at = monotonic();
  stats.pushes++;
  const path = headers[':path'];
  if (headers[':method'] !== 'POST' || !path.startsWith('/3/device/')) bad('method or path');
  if (!headers['apns-topic']) bad('no apns-topic');
  if (headers['apns-push-type'] !== 'voip') bad('push type is not voip');
  if (headers['apns-expiration'] === undefined) bad('no apns-expiration');
  const bearer = (headers.authorization ?? '').slice('bearer '.length);
  if (!tokens.has(bearer)) tokens.set(bearer, goodToken(bearer));
  if (!tokens.get(bearer)) bad('provider token');
  udp.send(`${path.slice('/3/device/'.length)} ${at.toFixed(3)}`, hook.port, hook.host);
}

function start({ host, port, cert, key, hook, delay }) {
  const server = createSecureServer({ cert, key, settings: { maxConcurrentStreams: 1000 } });
  server.on('secureConnection', (socket) => {
    stats.connections++;
    stats.open++;
    stats.mostOpen = Math.max(stats.mostOpen, stats.open);
    socket.on('close', () => stats.open--);
    socket.on('error', () => {});
  });
  server.on('session', (session) => session.on('error', () => {}));
  const streams = new WeakMap();
  server.on('stream', (stream, headers) => {
    const { session } = stream;
    const open = (streams.get(session) ?? 0) + 1;
    streams.set(session, open);
    stats.mostStreams = Math.max(stats.mostStreams, open);
    stream.on('close', () => streams.set(session, streams.get(session) - 1));
    stream.on('error', () => {});
    // As Apple's server does: the answer comes after the whole request.
    stream.resume();
    stream.on('end', () => {
      take(headers, hook);
      const answer = () => {
        if (!stream.closed) {
          stream.respond({ ':status': 200, 'apns-id': headers['apns-id'] ?? '0' }, { endStream: true });
        }
      };
      if (delay > 0) setTimeout(answer, delay);
      else answer();
    });
  });
  server.listen(port, host, 4096, () => process.send({ id: 0 }));
}

process.on('message', ({ id, ask, ...options }) => {
  if (ask === 'start') start(options);
  if (ask === 'stats') process.send({ id, ...stats });
  if (ask === 'reset') {
    reset(stats.open);
    process.send({ id });
  }
});
process.on('disconnect', () => process.exit(0));
