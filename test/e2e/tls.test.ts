import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import test from 'ava';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { externalEngine, stageExactly } from './support.js';

/** SHA-256 of the certificate that is shown to new connections. */
function shownCertificate(port: number, key?: string, cert?: string, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const own = { ...(key && cert ? { key, cert } : {}), ...(servername ? { servername } : {}) };
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...own }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

if (externalEngine === undefined) {
  test('SIGHUP: new connections see the new certificate, those that are open live on', async (t) => {
    const stage = await stageExactly(t, { edge: 'direct', transport: 'tls' });
    const { key, cert } = stage.tls;
    const phone = await stage.phone();
    t.true((await stage.cucm.ping()).inService);
    const before = await shownCertificate(stage.sip.port, key, cert);

    const folder = dirname(stage.configFile);
    const renewed = makeCertificate({ commonName: 'callwake renewed' });
    writeFileSync(join(folder, 'sip.key'), 'no key at all');
    writeFileSync(join(folder, 'sip.pem'), renewed.cert);
    process.kill(stage.callwake.pid, 'SIGHUP');
    await until(() => stage.callwake.errors.some((line) => line.includes('stay as they were')));
    t.is(await shownCertificate(stage.sip.port, key, cert), before);

    writeFileSync(join(folder, 'sip.key'), renewed.key);
    process.kill(stage.callwake.pid, 'SIGHUP');
    await until(() => stage.callwake.errors.some((line) => line.includes('loaded anew')));
    t.not(await shownCertificate(stage.sip.port, key, cert), before);

    t.true((await stage.cucm.ping()).inService);
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await call.hangup();
    t.is(phone.calls.length, 1);
    t.deepEqual(stage.faults(), []);
  });

  test('whoever shows no certificate of the configured authority is not heard', async (t) => {
    const stage = await stageExactly(t, { edge: 'direct', transport: 'tls' });
    const stranger = makeCertificate({ commonName: 'stranger' });
    for (const own of [{}, stranger]) {
      const closed = new Promise<string>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port: stage.sip.port, rejectUnauthorized: false, ...own });
        let heard = '';
        socket.on('secureConnect', () => socket.write('OPTIONS sip:x SIP/2.0\r\n\r\n'));
        socket.on('data', (data) => {
          heard += data.toString();
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(heard));
      });
      t.is(await closed, '');
    }
  });

  test('a certificate per server name, one for every other, all read again at SIGHUP; client certificates that are only asked for', async (t) => {
    const own = mkdtempSync(join(tmpdir(), 'callwake-sni-'));
    t.teardown(() => rmSync(own, { recursive: true }));
    const write = (name: string): string => {
      const { key, cert } = makeCertificate({ commonName: name });
      writeFileSync(join(own, `${name}.key`), key);
      writeFileSync(join(own, `${name}.pem`), cert);
      return new X509Certificate(cert).fingerprint256;
    };
    const entry = (file: string, name: string) => ({
      name,
      keyFile: join(own, `${file}.key`),
      certFile: join(own, `${file}.pem`),
    });
    const [branch, wild] = [write('branch'), write('wild')];
    const stage = await stageExactly(t, {
      edge: 'direct',
      transport: 'tls',
      config: {
        engine: {
          contacts: ['sips:127.0.0.1:0;transport=tls'],
          control: { port: 0 },
          tls: {
            keyFile: 'sip.key',
            certFile: 'sip.pem',
            caFile: 'peers.pem',
            clientCertificates: 'asked',
            serverNames: [entry('branch', 'branch.example'), entry('wild', '*.corp.example')],
          },
        },
      },
    });
    const { port } = stage.sip;
    const { key, cert } = stage.tls;
    const others = await shownCertificate(port);
    t.is(await shownCertificate(port, key, cert), others, 'with a certificate or without');
    t.is(await shownCertificate(port, key, cert, 'Branch.example'), branch);
    t.is(await shownCertificate(port, undefined, undefined, 'sip.corp.example'), wild);
    t.is(await shownCertificate(port, undefined, undefined, 'elsewhere.example'), others);
    t.true((await stage.cucm.ping()).inService);

    const renewed = write('branch');
    process.kill(stage.callwake.pid, 'SIGHUP');
    await until(() => stage.callwake.errors.some((line) => line.includes('loaded anew')));
    t.is(await shownCertificate(port, undefined, undefined, 'branch.example'), renewed);
    t.not(renewed, branch);
    t.is(await shownCertificate(port, undefined, undefined, 'sip.corp.example'), wild);
  });

  test('engine.tls.minVersion is the lowest that is spoken', async (t) => {
    const stage = await stageExactly(t, {
      edge: 'direct',
      transport: 'tls',
      config: {
        engine: {
          contacts: ['sips:127.0.0.1:0;transport=tls'],
          control: { port: 0 },
          tls: { keyFile: 'sip.key', certFile: 'sip.pem', caFile: 'peers.pem', minVersion: '1.3' },
        },
      },
    });
    const speaks = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<boolean>((resolve) => {
        const options = { host: '127.0.0.1', port: stage.sip.port, rejectUnauthorized: false, maxVersion };
        const socket = connect(options, () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      });
    t.false(await speaks('TLSv1.2'));
    t.true(await speaks('TLSv1.3'));
  });
}

async function until(done: () => boolean): Promise<void> {
  for (let left = 200; !done(); left--) {
    if (left === 0) throw new Error('It never came to that');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
