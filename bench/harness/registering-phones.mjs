// Phones behind an edge in Path mode that REGISTER over UDP from one socket, a window of them at a time.
import { createSocket } from 'node:dgram';

const RETRY = [500, 1000, 2000, 4000];

/** When a phone that hears nothing gives up its REGISTER and makes a new one, ms (RFC 3261 17.1.2.2, Timer F). */
const TIMER_F = 32_000;

export const tokenOf = (n) => hexOf(n, 1, 64);
export const alertTokenOf = (n) => hexOf(n, 2, 64);
export const instanceOf = (n) => hexOf(n, 3, 32).replace(/^(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');

/** The Call-ID of its REGISTERs, behind `reg-N-`. */
export const callIdOf = (n) => `reg-${n}-${hexOf(n, 4, 24)}@edge`;

/** So many hexadecimal digits that look random, as those of tokens do, and are the same in each run. */
function hexOf(n, salt, length) {
  let text = '';
  for (let i = 1; text.length < length; i++) {
    let x = Math.imul(n ^ Math.imul(salt, 0x9e3779b1), 0x85ebca6b) + Math.imul(i, 0xc2b2ae35);
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    text += ((x ^ (x >>> 15)) >>> 0).toString(16).padStart(8, '0');
  }
  return text;
}

/** Where phone `n` is: each has an address of its own, behind the edge. */
export const uriOf = (n) => `sip:d${n}@10.${n % 199}.${n % 251}.${1 + (n % 240)}:${49152 + (n % 16000)};transport=udp`;

/** The Contact of phone `n`: two tokens, instance, state. */
export function contactOf(n) {
  const push = `pn-provider=apns;pn-param=TEAM123456.com.example.softphone.voip&remote;pn-prid=${tokenOf(n)}:voip&${alertTokenOf(n)}:remote`;
  return `<${uriOf(n)};${push}>;+sip.instance="<urn:uuid:${instanceOf(n)}>"`;
}

export class RegisteringPhones {
  #socket = createSocket({
    type: 'udp4',
    recvBufferSize: 4 << 20,
    sendBufferSize: 4 << 20,
    lookup: (host, _options, done) => done(null, host, 4),
  });
  #cseq = new Map();
  #pending = new Map();
  #server;
  #domain;
  #port = 0;
  #watch;

  constructor(server, domain) {
    if (!/^127\./.test(server.host)) throw new Error('loopback addresses only');
    this.#server = server;
    this.#domain = domain;
  }

  async open() {
    await new Promise((resolve) => this.#socket.bind(0, '127.0.0.1', resolve));
    this.#port = this.#socket.address().port;
    this.#socket.on('message', (data) => this.#answered(data.latin1Slice()));
    this.#watch = setInterval(() => this.#retry(), 100);
    return this;
  }

  close() {
    clearInterval(this.#watch);
    this.#socket.close();
  }

  /** REGISTERs of the phones `from` to `to`, `window` at a time. Gives rate, answers by status, latencies in ms and repeats. */
  async register(from, to, window, expires = 3600) {
    const latencies = [];
    const statuses = {};
    const repeats = { n: 0 };
    const start = performance.now();
    let next = from;
    await new Promise((resolve) => {
      let open = 0;
      const more = () => {
        while (open < window && next <= to) {
          open++;
          this.#send(next++, expires, repeats, (status, ms) => {
            open--;
            statuses[status] = (statuses[status] ?? 0) + 1;
            latencies.push(ms);
            if (next > to && open === 0) resolve();
            else more();
          });
        }
      };
      more();
    });
    const seconds = (performance.now() - start) / 1000;
    return { perSecond: Math.round((to - from + 1) / seconds), seconds, statuses, latencies, repeats: repeats.n };
  }

  /**
   * REGISTERs of the phones `from` to `to`, spread over so many seconds, whatever is answered meanwhile. Who gets a 503 comes again after its
   * Retry-After, who hears nothing for 32 s at once, until each has another answer. Gives answers by status, the seconds that were asked for
   * with how often, latencies in ms, repeats, and the CSeq of each phone's 200.
   */
  async storm(from, to, seconds, expires = 3600) {
    const latencies = [];
    const statuses = {};
    const retryAfter = {};
    const cseqs = new Map();
    const repeats = { n: 0 };
    const start = performance.now();
    await new Promise((resolve) => {
      let left = to - from + 1;
      const send = (n) => {
        this.#send(n, expires, repeats, (status, ms, text) => {
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (status === 'none') return setTimeout(send, Math.max(0, TIMER_F - ms), n);
          if (status === 503) {
            const after = Number(/^Retry-After: (\d+)/im.exec(text)?.[1] ?? Number.NaN);
            retryAfter[after] = (retryAfter[after] ?? 0) + 1;
            return setTimeout(send, (after || 1) * 1000, n);
          }
          latencies.push(ms);
          cseqs.set(n, Number(/^CSeq: (\d+)/im.exec(text)?.[1]));
          if (--left === 0) resolve();
        });
      };
      let next = from;
      const spread = setInterval(() => {
        const part = seconds === 0 ? 1 : (performance.now() - start) / (seconds * 1000);
        const until = Math.min(to, from - 1 + Math.ceil((to - from + 1) * part));
        while (next <= until) send(next++);
        if (next > to) clearInterval(spread);
      }, 5);
    });
    return {
      seconds: (performance.now() - start) / 1000,
      statuses,
      retryAfter,
      latencies,
      repeats: repeats.n,
      cseqs,
    };
  }

  #send(n, expires, repeats, done) {
    const cseq = (this.#cseq.get(n) ?? 0) + 1;
    this.#cseq.set(n, cseq);
    const text =
      `REGISTER sip:${this.#domain} SIP/2.0\r\n` +
      `Via: SIP/2.0/UDP 127.0.0.1:${this.#port};branch=z9hG4bKr${n}x${cseq};rport\r\nMax-Forwards: 69\r\n` +
      `Path: <sip:edge@127.0.0.1:${this.#port};lr>\r\n` +
      `From: <sip:d${n}@${this.#domain}>;tag=r${n}\r\nTo: <sip:d${n}@${this.#domain}>\r\n` +
      `Call-ID: ${callIdOf(n)}\r\nCSeq: ${cseq} REGISTER\r\nContact: ${contactOf(n)}\r\n` +
      `Expires: ${expires}\r\nSupported: path\r\nUser-Agent: bench (iPhone)\r\nContent-Length: 0\r\n\r\n`;
    const now = performance.now();
    this.#pending.set(n, { text, first: now, last: now, tries: 0, repeats, done });
    this.#write(text);
  }

  #write(text) {
    this.#socket.send(Buffer.from(text, 'latin1'), this.#server.port, this.#server.host);
  }

  #answered(text) {
    const status = Number(text.slice(8, 11));
    const n = Number.parseInt(text.slice(text.indexOf('reg-') + 4), 10);
    const pending = this.#pending.get(n);
    if (pending === undefined || status < 200) return;
    this.#pending.delete(n);
    pending.done(status, performance.now() - pending.first, text);
  }

  #retry() {
    const now = performance.now();
    for (const [n, pending] of this.#pending) {
      const wait = RETRY[pending.tries];
      if (wait === undefined) {
        this.#pending.delete(n);
        pending.done('none', now - pending.first);
      } else if (now - pending.last > wait) {
        pending.tries++;
        pending.last = now;
        pending.repeats.n++;
        this.#write(pending.text);
      }
    }
  }
}
