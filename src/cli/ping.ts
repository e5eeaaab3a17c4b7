import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { CliError } from './exit.js';

const TARGET = /^sips?:(?:[^@\s]+@)?(\[[0-9a-f:.]+\]|[^:;?\s[\]]+)(?::(\d{1,5}))?(?:;.*)?$/i;
const T1 = 500;

/** The answer to an OPTIONS ping. */
export interface PingAnswer {
  readonly status: number;
  readonly reason: string;
  readonly ms: number;
}

/**
 * Sends OPTIONS over UDP (RFC 3261 section 11), repeats it as section 17.1.2 says and gives the first final answer.
 * @throws {CliError} when the URI can't be pinged (exit code 2) or nobody answers in time (1).
 */
export function ping(uri: string, timeoutMs: number): Promise<PingAnswer> {
  const [, bracketed, portText] = TARGET.exec(uri) ?? [];
  const port = Number(portText ?? 5060);
  if (bracketed === undefined || port < 1 || port > 65535 || /;transport=(?!udp\b)/i.test(uri)) {
    const problem = `${JSON.stringify(uri)} can't be pinged; give a SIP URI over UDP such as sip:127.0.0.1:5060`;
    return Promise.reject(new CliError(problem, 2));
  }
  const host = bracketed.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const callId = randomBytes(12).toString('hex');
    const branch = `z9hG4bK${randomBytes(9).toString('hex')}`;
    const started = performance.now();
    const timers: NodeJS.Timeout[] = [];
    const end = (settle: () => void): void => {
      for (const timer of timers) clearTimeout(timer);
      socket.close();
      settle();
    };
    const fail = (why: string) => end(() => reject(new CliError(`${uri}: ${why}`, 1)));
    socket.on('error', (error) => fail(/ECONNREFUSED/.test(error.message) ? 'nobody listens there' : error.message));
    socket.on('message', (data) => {
      const answer = readAnswer(data.toString('utf8'), callId);
      if (answer) end(() => resolve({ ...answer, ms: performance.now() - started }));
    });
    timers.push(setTimeout(() => fail(`no answer in ${timeoutMs} ms`), timeoutMs));
    socket.connect(port, host, () => {
      const request = Buffer.from(optionsRequest(uri, branch, callId, socket.address()));
      const send = (interval: number): void => {
        socket.send(request);
        timers.push(setTimeout(() => send(Math.min(interval * 2, 8 * T1)), interval));
      };
      send(T1);
    });
  });
}

function optionsRequest(uri: string, branch: string, callId: string, local: { address: string; port: number }): string {
  const own = `${isIPv6(local.address) ? `[${local.address}]` : local.address}:${local.port}`;
  return [
    `OPTIONS ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own};branch=${branch};rport`,
    'Max-Forwards: 70',
    `From: <sip:ping@${own}>;tag=${callId.slice(0, 8)}`,
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 OPTIONS',
    `Contact: <sip:ping@${own}>`,
    'Accept: application/sdp',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function readAnswer(text: string, callId: string): { status: number; reason: string } | undefined {
  const [, status, reason] = /^SIP\/2\.0 ([2-6]\d\d) ([^\r\n]*)/.exec(text) ?? [];
  const same = /^(?:call-id|i)\s*:\s*(\S+)/im.exec(text)?.[1] === callId;
  return status !== undefined && reason !== undefined && same ? { status: Number(status), reason } : undefined;
}
