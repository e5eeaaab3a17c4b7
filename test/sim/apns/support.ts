import http2 from 'node:http2';
import net from 'node:net';
import type { ExecutionContext } from 'ava';
import type { ApnsSimulator } from '../../../src/sim/apns/simulator.js';

export interface Reply {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: { readonly reason?: string; readonly timestamp?: number };
}

/** A bare HTTP/2 client, to send what a good provider would not. */
export function rawClient(
  t: ExecutionContext,
  apns: ApnsSimulator,
  environment: 'production' | 'sandbox' = 'production',
) {
  const { host, port } = apns.endpoints[environment];
  const session = http2.connect(`https://${host}:${port}`, { ca: apns.ca });
  session.on('error', () => {});
  t.teardown(() => session.destroy());
  return {
    session,
    send: (headers: http2.OutgoingHttpHeaders, body: string | Buffer = '{"aps":{}}'): Promise<Reply> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':method': 'POST', ...headers });
        let reply: http2.IncomingHttpHeaders = {};
        let text = '';
        stream.setEncoding('utf8');
        stream.on('response', (received) => {
          reply = received;
        });
        stream.on('data', (chunk: string) => {
          text += chunk;
        });
        stream.on('error', reject);
        stream.on('close', () => {
          resolve({ status: Number(reply[':status'] ?? 0), headers: reply, body: text ? JSON.parse(text) : {} });
        });
        stream.end(body);
      }),
  };
}

/** A phone's own connection to the simulator: says its token and collects what it is told. */
export function phone(t: ExecutionContext, apns: ApnsSimulator, ...lines: readonly string[]) {
  const { host, port } = apns.phoneAddress;
  const socket = net.connect({ host, port });
  const told: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', (chunk: string) => {
    pending += chunk;
    const complete = pending.split('\n');
    pending = complete.pop() ?? '';
    for (const line of complete) told.push(JSON.parse(line));
    for (const resolve of waiting) resolve();
    waiting.clear();
  });
  for (const line of lines) socket.write(`${line}\n`);
  t.teardown(() => socket.destroy());
  return {
    socket,
    told,
    next: async (count = 1) => {
      while (told.length < count) await new Promise<void>((resolve) => waiting.add(resolve));
      return told[count - 1];
    },
  };
}
