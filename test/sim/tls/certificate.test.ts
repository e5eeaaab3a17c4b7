import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import test from 'ava';
import { makeCertificate } from '../../../src/sim/tls/certificate.js';

test('a certificate is well-formed, signed by itself and good for its names', (t) => {
  const { cert } = makeCertificate({
    commonName: 'Prüfstand',
    altNames: ['apns.example', '127.0.0.1', '2001:db8::1:0', 'sip:edge.example'],
  });
  const parsed = new X509Certificate(cert);
  t.true(parsed.verify(parsed.publicKey));
  t.true(parsed.checkIssued(parsed));
  t.is(parsed.subject, 'CN=Prüfstand');
  t.is(parsed.checkHost('apns.example'), 'apns.example');
  t.is(parsed.checkHost('other.example'), undefined);
  t.is(parsed.checkIP('127.0.0.1'), '127.0.0.1');
  t.is(parsed.checkIP('2001:db8::1:0'), '2001:db8::1:0');
  t.is(parsed.checkIP('2001:db8::1'), undefined);
  t.regex(parsed.subjectAltName ?? '', /URI:sip:edge\.example/);
  t.true(parsed.ca);
});

test('its validity is as asked for, also beyond 2049', (t) => {
  const parsed = new X509Certificate(makeCertificate({ now: Date.parse('2049-12-30T12:00:00Z'), days: 10 }).cert);
  t.is(new Date(parsed.validFrom).toISOString(), '2049-12-30T11:00:00.000Z');
  t.is(new Date(parsed.validTo).toISOString(), '2050-01-09T12:00:00.000Z');
});

test('serial numbers differ and are positive', (t) => {
  const serials = Array.from({ length: 20 }, () => new X509Certificate(makeCertificate().cert).serialNumber);
  t.is(new Set(serials).size, 20);
  for (const serial of serials) t.true(Number.parseInt(serial.slice(0, 2), 16) < 0x80);
});

test('TLS takes it on both sides when it is trusted, and refuses it when not', async (t) => {
  const server = tls.createServer({ ...pair(makeCertificate()), requestCert: true, rejectUnauthorized: false });
  const own = makeCertificate();
  server.setSecureContext({ key: own.key, cert: own.cert, ca: own.cert });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const connect = (options: tls.ConnectionOptions) =>
    new Promise<string>((resolve) => {
      const socket = tls.connect({ host: '127.0.0.1', port, ...options });
      socket.on('secureConnect', () => {
        resolve('connected');
        socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  t.is(await connect({ ca: own.cert, ...pair(own) }), 'connected');
  t.is(await connect({}), 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

const pair = ({ key, cert }: { key: string; cert: string }) => ({ key, cert });
