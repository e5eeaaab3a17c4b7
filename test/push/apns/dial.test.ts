import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import type { ServerCertificate } from '../../../src/grammar/server-certificate.js';
import { dial, type Resolve } from '../../../src/push/apns/connect.js';
import { makeCertificate } from '../../../src/sim/tls/certificate.js';

const HOST = 'apns.test';
const certificate = makeCertificate({ altNames: [HOST] });

function listen(t: ExecutionContext, host: string, port = 0): Promise<number> {
  const server = tls.createServer({ ...certificate, ALPNProtocols: ['h2'] }, (socket) => socket.on('error', () => {}));
  t.teardown(() => void server.close());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

async function reached(port: number, turn: number, resolve: Resolve): Promise<string | undefined> {
  const socket = await dial({ endpoint: { host: HOST, port }, ca: certificate.cert, turn, resolve }).socket;
  const { remoteAddress } = socket;
  socket.destroy();
  return remoteAddress;
}

test('each connection looks the name up afresh, and starts with another of its addresses', async (t) => {
  const addresses = ['127.0.62.1', '127.0.62.2'];
  const port = await listen(t, '127.0.62.1');
  await listen(t, '127.0.62.2', port);
  const asked: string[] = [];
  const resolve: Resolve = (host, _options, callback) => {
    asked.push(host);
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  };
  const got = [];
  for (const turn of [0, 1, 2]) got.push(await reached(port, turn, resolve));
  t.deepEqual(got, ['127.0.62.1', '127.0.62.2', '127.0.62.1']);
  t.deepEqual(asked, [HOST, HOST, HOST]);

  addresses.splice(0, 1);
  t.is(await reached(port, 0, resolve), '127.0.62.2', 'an address that the name no longer has is not used');
});

test('the certificate that Apple shows is told, with the end of its time', async (t) => {
  const port = await listen(t, '127.0.62.5');
  const resolve: Resolve = (_host, _options, callback) => callback(null, [{ address: '127.0.62.5', family: 4 }]);
  const shown: ServerCertificate[] = [];
  const onCertificate = (certificate: ServerCertificate): void => void shown.push(certificate);
  const options = { endpoint: { host: HOST, port }, ca: certificate.cert, turn: 0, resolve, onCertificate };
  (await dial(options).socket).destroy();
  const until = Date.parse(new X509Certificate(certificate.cert).validTo);
  t.deepEqual(shown, [{ server: `APNs ${HOST}:${port}`, until }]);
});

test('an address where nobody listens gives way to the next', async (t) => {
  const port = await listen(t, '127.0.62.4');
  const resolve: Resolve = (_host, _options, callback) =>
    callback(null, [
      { address: '127.0.62.3', family: 4 },
      { address: '127.0.62.4', family: 4 },
    ]);
  t.is(await reached(port, 0, resolve), '127.0.62.4');
});

test('a name without addresses is an error in words', async (t) => {
  const none: Resolve = (_host, _options, callback) => callback(null, []);
  await t.throwsAsync(reached(1, 0, none), { message: `${HOST} has no address` });
});
