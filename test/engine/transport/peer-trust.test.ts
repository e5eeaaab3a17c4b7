import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import test from 'ava';
import { makeCertificate } from '../../../src/sim/tls/certificate.js';
import { options, Peer, targetOf } from './support.js';

const VIA = 'SIP/2.0/TLS client.example;branch=z9hG4bK1';

test('connections out: one of the names that are set for a peer must be shown, from its own authority', async (t) => {
  const cucm = makeCertificate({ commonName: 'x', altNames: ['cucm.example', 'sip:corp.example'] });
  const other = makeCertificate({ commonName: 'x', altNames: ['sip:other.example'] });
  const b = new Peer(t);
  const target = targetOf(await b.listen('tls', { tls: cucm }), { serverName: '127.0.0.1' });
  const sendWith = (names: string[], ca: string, general = other.cert): Promise<unknown> =>
    new Peer(t, { tls: { ca: general, peers: [{ addresses: ['127.0.0.0/8'], names, ca }] } }).send(
      options(VIA),
      target,
    );
  await t.notThrowsAsync(sendWith(['elsewhere.example', 'corp.example'], cucm.cert));
  await t.throwsAsync(sendWith(['cucm.example'], cucm.cert), { message: /shows corp\.example, not cucm\.example/ });
  await t.throwsAsync(sendWith(['corp.example'], other.cert), { message: /self-signed|certificate/ });
  await t.throwsAsync(
    sendWith([], cucm.cert),
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    'the address that was asked for',
  );
  const elsewhere = { addresses: ['192.0.2.1', 'cucm.example'], names: ['corp.example'], ca: cucm.cert };
  const away = new Peer(t, { tls: { ca: other.cert, peers: [elsewhere] } });
  await t.throwsAsync(away.send(options(VIA), target), { message: /certificate/ }, 'not that peer');
  const named = { ...target, serverName: 'cucm.example' };
  await t.notThrowsAsync(new Peer(t, { tls: { ca: other.cert, peers: [elsewhere] } }).send(options(VIA), named));
});

test('connections in: a peer is asked for a certificate of its own authority, others for one of the general one', async (t) => {
  const own = makeCertificate({ altNames: ['sip.example'] });
  const [edge, general] = [
    makeCertificate({ altNames: ['sip:edge.example'] }),
    makeCertificate({ altNames: ['general.example'] }),
  ];
  const b = new Peer(t);
  const peers = [
    { addresses: ['127.0.0.2'], names: [] },
    { addresses: ['127.0.0.0/30'], names: ['edge.example'], ca: edge.cert },
  ];
  const { local } = await b.listen('tls', { tls: { ...own, ca: general.cert, peers } });
  const shownBy = async (localAddress: string, pair: { key: string; cert: string }): Promise<unknown> => {
    const tcp = connectTcp({ host: '127.0.0.1', port: local.port, localAddress });
    const socket = connect({ socket: tcp, rejectUnauthorized: false, ...pair });
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    socket.write(options(VIA).toBuffer());
    const { connection } = (await b.next()).flow;
    return connection?.verified ? connection.peerNames : 'nobody';
  };
  t.deepEqual(await shownBy('127.0.0.3', edge), ['edge.example']);
  t.is(await shownBy('127.0.0.3', general), 'nobody', 'of the general authority');
  t.is(await shownBy('127.0.0.2', edge), 'nobody', 'the first entry with its address counts');
  t.is(await shownBy('127.0.0.9', edge), 'nobody', 'from elsewhere nobody is asked');
});

test('ciphers without forward secrecy or authenticated encryption are not spoken, unless they are asked for', async (t) => {
  const own = makeCertificate({ altNames: ['sip.example'] });
  const speaks = async (ciphers: string, settings: object = {}): Promise<boolean> => {
    const { local } = await new Peer(t).listen('tls', { tls: { ...own, ...settings } });
    const options = { host: '127.0.0.1', port: local.port, rejectUnauthorized: false, ciphers };
    return new Promise((resolve) => {
      const socket = connect({ ...options, maxVersion: 'TLSv1.2' }, () => resolve(true));
      socket.on('error', () => resolve(false));
      t.teardown(() => socket.destroy());
    });
  };
  t.true(await speaks('ECDHE-ECDSA-AES128-GCM-SHA256'));
  t.false(await speaks('ECDHE-ECDSA-AES128-SHA'), 'CBC');
  t.true(await speaks('ECDHE-ECDSA-AES128-SHA', { ciphers: 'HIGH' }), 'the client can');
});
