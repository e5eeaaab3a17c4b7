import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HepClient } from '../../../src/ops/timeline/hep-sender.js';
import { ended } from '../../support/ended.js';

const INVITE = [
  'INVITE sip:2001@192.0.2.1 SIP/2.0',
  'Via: SIP/2.0/TCP 192.0.2.10;branch=z9hG4bK1',
  'From: <sip:1001@corp.example>;tag=a',
  'To: <sip:2001@corp.example>',
  'Call-ID: trunk-1',
  'CSeq: 1 INVITE',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

test('Kamailio as a capture node (sipcapture) takes our HEP3: message, addresses and ports, IPv4 and IPv6', async (t) => {
  const { port, says } = await captureNode(t);
  const client = new HepClient({ host: '127.0.0.1', port, agentId: 2001, password: 'homer' }, (why) => t.log(why));
  t.teardown(() => client.close());
  const message = (from: string, to: string) => ({
    at: Date.now(),
    protocol: 'tcp',
    from: { address: from, port: 5060 },
    to: { address: to, port: 5070 },
    text: INVITE,
  });
  // What is sent before Kamailio listens is lost.
  const again = setInterval(() => {
    client.send(message('192.0.2.10', '192.0.2.1'), 'session');
    client.send(message('2001:db8::7', '2001:db8::1'), 'session');
  }, 100);
  t.teardown(() => clearInterval(again));
  await says(/captured INVITE trunk-1 192\.0\.2\.10:5060/);
  await says(/captured INVITE trunk-1 2001:db8::7:5060/);
  t.pass();
});

async function captureNode(t: ExecutionContext): Promise<{ port: number; says: (what: RegExp) => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-capture-node-'));
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  mkdirSync(join(folder, 'db'));
  const config = [
    'log_stderror=yes',
    'debug=2',
    'children=1',
    'disable_tcp=yes',
    `listen=udp:127.0.0.1:${port}`,
    ...['pv', 'xlog', 'db_text', 'sipcapture'].map((name) => `loadmodule "${name}.so"`),
    `modparam("sipcapture", "db_url", "text://${join(folder, 'db')}")`,
    'modparam("sipcapture", "capture_on", 1)',
    'modparam("sipcapture", "hep_capture_on", 1)',
    'request_route { xlog("L_ERR", "captured $rm $ci $si:$sp\\n"); }',
    '',
  ];
  writeFileSync(join(folder, 'kamailio.cfg'), config.join('\n'));
  const args = ['-f', join(folder, 'kamailio.cfg'), '-DD', '-E', '-m', '32', '-M', '8', '-Y', folder];
  const env = { PATH: `${process.env.PATH}:/usr/sbin` };
  const child = spawn('kamailio', args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of [...listeners]) listener();
  };
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-20_000);
    tell();
  });
  const gone = new Promise<void>((resolve) => {
    child.on('error', () => {
      said = 'Kamailio is needed: apt-get install kamailio';
      resolve();
    });
    child.on('exit', () => resolve());
  }).then(tell);
  t.teardown(async () => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  });
  let over = false;
  void gone.then(() => {
    over = true;
    tell();
  });
  const says = (what: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!what.test(said) && !over) return;
        listeners.delete(look);
        if (what.test(said)) resolve();
        else reject(new Error(`Kamailio ended: ${said}`));
      };
      listeners.add(look);
      look();
    });
  return { port, says };
}
