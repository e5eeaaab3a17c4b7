// Phones and the edge before them, on one UDP socket: REGISTER with Path and push token; REGISTER again at a push; on INVITE 180 and
// 20 ms later 200; on BYE 200. A phone's own Contact is an address where nobody listens, so that a proxy that forgets the Path fails.
// REGISTER and 200 are sent again when nothing comes, and counted. Forked by run.mjs.
import { createSocket } from 'node:dgram';
import { quantiles } from '../harness/machine.mjs';
import { monotonic, sippTime, wallMinusMonotonic } from './clock.mjs';
import { parse, phoneOf, register as registerText, response } from './messages.mjs';

const RING = 20;
const REPEAT = 500;
const TRIES = 4;
const SDP =
  'v=0\r\no=d 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n';

const udp = {
  type: 'udp4',
  recvBufferSize: 4 << 20,
  sendBufferSize: 4 << 20,
  lookup: (host, _o, done) => done(null, host, 4),
};
const socket = createSocket(udp);
const hook = createSocket(udp);
const offset = wallMinusMonotonic();
/** Rises over restarts of this process as well: to a registrar it is the same phones. */
const FIRST_CSEQ = Math.floor(Date.now() / 1000);
const cseqs = new Map();
const pushedAt = new Map();
const registeredAt = new Map();
const lastCall = new Map();
/** By phone: the REGISTER without an answer; by Call-ID: the 200 without an ACK. In the order of their last sending. */
const registering = new Map();
const unacknowledged = new Map();
const ringing = [];
let options;
let awake = true;
let seen;

function reset() {
  seen = { invites: 0, byes: 0, cancels: 0, noRoute: 0, refused: {}, lost: 0 };
  seen.repeats = { invite: 0, register: 0, answer: 0 };
  seen.push = [];
  seen.resume = [];
  seen.at = [];
  seen.setup = [];
}
reset();

const send = (text, { host, port }) => socket.send(Buffer.from(text, 'latin1'), port, host);
/** Phones register at the proxies in turn. */
const proxyOf = (n) => options.proxies[n % options.proxies.length];

function register(n, expires = 3600, done = () => {}) {
  const cseq = (cseqs.get(n) ?? FIRST_CSEQ) + 1;
  cseqs.set(n, cseq);
  const text = registerText(n, cseq, expires, options);
  const now = monotonic();
  registeredAt.set(n, now);
  const from = proxyOf(n);
  registering.set(n, { text, at: now, tries: 1, done, from });
  send(text, from);
}

function onResponse(text) {
  const status = Number(text.slice(8, 11));
  const n = Number.parseInt(text.slice(text.indexOf('reg-') + 4), 10);
  const pending = registering.get(n);
  if (pending === undefined || status < 200) return;
  registering.delete(n);
  if (status !== 200) seen.refused[status] = (seen.refused[status] ?? 0) + 1;
  pending.done(status);
}

function onInvite(request, from) {
  const now = monotonic();
  const n = Number.parseInt(request.first.slice('INVITE sip:d'.length), 10);
  if (lastCall.get(n) === request.callId) {
    seen.repeats.invite++;
    const answer = unacknowledged.get(request.callId);
    if (answer !== undefined) send(answer.text, from);
    return;
  }
  lastCall.set(n, request.callId);
  seen.invites++;
  const { edge } = options;
  if (!request.route.some((route) => route.includes(edge))) seen.noRoute++;
  const sent = sippTime(request.sent) - offset;
  const pushed = pushedAt.get(n) ?? Number.NEGATIVE_INFINITY;
  if (!Number.isNaN(sent)) {
    seen.setup.push(now - sent);
    if (pushed > sent - 1) {
      seen.push.push(pushed - sent);
      seen.resume.push(now - registeredAt.get(n));
      seen.at.push(n % options.proxies.length);
    }
  }
  send(response(request, 180, 'Ringing', { n, edge, own: true }), from);
  // At once, a proxy with several workers might swap the two.
  const text = response(request, 200, 'OK', { n, edge, own: true, body: SDP });
  ringing.push({ due: now + RING, callId: request.callId, text, from });
}

function onRequest(text, from) {
  const request = parse(text);
  const method = text.slice(0, text.indexOf(' '));
  if (method === 'ACK') return unacknowledged.delete(request.callId);
  if (method === 'INVITE') return onInvite(request, from);
  send(response(request, 200, 'OK', { n: 0, edge: options.edge }), from);
  if (method === 'BYE') seen.byes++;
  if (method === 'CANCEL') seen.cancels++;
}

socket.on('message', (data, { address, port }) => {
  const text = data.latin1Slice();
  if (text.startsWith('SIP/2.0')) onResponse(text);
  else onRequest(text, { host: address, port });
});

hook.on('message', (data) => {
  const [token, at] = data.latin1Slice().split(' ');
  const n = phoneOf(token);
  pushedAt.set(n, Number(at));
  if (awake) register(n);
});

function pickUp() {
  const now = monotonic();
  let due = 0;
  while (due < ringing.length && ringing[due].due <= now) {
    const { callId, text, from } = ringing[due++];
    unacknowledged.set(callId, { text, at: now, tries: 1, from });
    send(text, from);
  }
  ringing.splice(0, due);
}

function repeat() {
  const now = monotonic();
  const again = (pending, onRepeat) => {
    for (const [key, entry] of pending) {
      if (now - entry.at < REPEAT) break;
      pending.delete(key);
      if (entry.tries >= TRIES) {
        seen.lost++;
        entry.done?.(0);
        continue;
      }
      pending.set(key, { ...entry, at: now, tries: entry.tries + 1 });
      onRepeat();
      send(entry.text, entry.from);
    }
  };
  again(registering, () => seen.repeats.register++);
  again(unacknowledged, () => seen.repeats.answer++);
}

/** REGISTERs of phones 1 to `count`, `window` of them under way at a time. Gives the answers by status. */
function registerAll(count, expires, window) {
  return new Promise((resolve) => {
    const statuses = {};
    let next = 1;
    let left = count;
    const more = () => {
      if (next > count) return;
      one(next++);
    };
    const one = (n) =>
      register(n, expires, (status) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        // A server that is too busy is asked again: this is the preparation, not what is measured.
        if (status !== 200) setTimeout(one, REPEAT, n);
        else if (--left === 0) resolve(statuses);
        else more();
      });
    for (let i = 0; i < window; i++) more();
  });
}

const asks = {
  async start(given) {
    options = given;
    await new Promise((resolve) => hook.bind(given.hook.port, given.hook.host, resolve));
    const [host, port] = given.edge.split(':');
    await new Promise((resolve) => socket.bind(Number(port), host, resolve));
    setInterval(pickUp, 2);
    setInterval(repeat, 50);
  },
  /** Each phone registers and unregisters: the server knows its token and has no binding. */
  async sleep({ count, window = 64 }) {
    return { first: await registerAll(count, 3600, window), last: await registerAll(count, 0, window) };
  },
  /** Each phone registers. */
  async register({ count, window = 64 }) {
    return { statuses: await registerAll(count, 3600, window) };
  },
  /** Whether phones register when a push comes. */
  wake({ awake: wanted }) {
    awake = wanted;
  },
  reset,
  stats() {
    const { push, resume, setup, at: _, ...counts } = seen;
    return { ...counts, push: quantiles(push), resume: quantiles(resume), setup: quantiles(setup) };
  },
  /** The time of each resume in the order in which they came, and which of the proxies the phone was at. */
  resumes() {
    return { ms: seen.resume, at: seen.at };
  },
};

process.on('message', async ({ id, ask, ...given }) => {
  process.send({ id, ...(await asks[ask](given)) });
});
process.on('disconnect', () => process.exit(0));
