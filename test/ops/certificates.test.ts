import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseConfig } from '../../src/config/load.js';
import { type EngineFigures, readFigures } from '../../src/engine-figures.js';
import type { ServerCertificate } from '../../src/grammar/server-certificate.js';
import { AlarmBoard } from '../../src/ops/alarms/board.js';
import { CertificateWatch, certificateFilesOf } from '../../src/ops/certificates.js';
import { ServerCertificates } from '../../src/ops/server-certificates.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { FakeClock } from '../support/fake-clock.js';

const DAY = 86_400_000;

function bench(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-certificates-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const clock = new FakeClock();
  const alarms = new AlarmBoard(clock);
  const write = (name: string, ...days: number[]): string => {
    const file = join(folder, name);
    const pems = days.map((left) => makeCertificate({ days: left, now: clock.now() }).cert);
    writeFileSync(file, pems.join(''));
    return file;
  };
  const watch = (files: Readonly<Record<string, string>>) => {
    const listed = Object.entries(files).map(([setting, file]) => ({ setting, file }));
    const watched = new CertificateWatch({ clock, alarms, notice: 30 * DAY, files: listed });
    t.teardown(() => watched.close());
    return watched;
  };
  const active = () => alarms.active.map(({ name, subject, reason }) => [name, subject, reason.split(',')[0]]);
  return { clock, write, watch, active };
}

test('a certificate that ends soon is an alarm with the days that are left, then expired, until it is renewed', (t) => {
  const { clock, write, watch, active } = bench(t);
  const file = write('sip.pem', 40);
  const watched = watch({ 'engine.tls.certFile': file, 'api.tls.certFile': write('api.pem', 400) });
  t.deepEqual(active(), []);
  clock.advance(20.3 * DAY);
  t.deepEqual(active(), [['CertExpiresSoon', 'engine.tls.certFile', '19 days left']]);
  clock.advance(10 * DAY);
  t.deepEqual(active(), [['CertExpiresSoon', 'engine.tls.certFile', '9 days left']]);
  clock.advance(11 * DAY);
  t.like(active(), [['CertExpired', 'engine.tls.certFile']]);
  t.is(watched.list.length, 2);
  write('sip.pem', 365);
  watched.reload([{ setting: 'engine.tls.certFile', file }]);
  t.deepEqual(active(), []);
  t.is(watched.list.length, 1, 'the API has none any more');
});

test('of a file with several the first that ends counts; files that are none are passed over', (t) => {
  const { write, watch, active } = bench(t);
  const watched = watch({ 'engine.tls.caFile': write('ca.pem', 300, 5, 100), x: '/nonexistent', y: write('none.pem') });
  t.deepEqual(active(), [['CertExpiresSoon', 'engine.tls.caFile', '5 days left']]);
  t.is(watched.list.length, 1);
});

test('what trunk peers and edges show is known by their names, and not without bound', (t) => {
  const { clock, watch, active } = bench(t);
  const watched = watch({});
  watched.shown('edge', ['edge.example'], clock.now() + 3 * DAY);
  watched.shown('cucm', ['cucm.example'], clock.now() + 300 * DAY);
  watched.shown('cucm', [], clock.now() + 300 * DAY);
  t.deepEqual(active(), [['CertExpiresSoon', 'edge: edge.example', '3 days left']]);
  clock.advance(4 * DAY);
  t.like(active(), [['CertExpired', 'edge: edge.example']]);
  watched.shown('edge', ['edge.example'], clock.now() + 300 * DAY);
  t.deepEqual(active(), []);
  t.true(watched.list.some(({ name }) => name === 'cucm: no SIP domain'));
  for (let index = 0; index < 1000; index++) watched.shown('edge', [`e${index}.example`], clock.now() + 300 * DAY);
  t.is(watched.list.length, 50);
});

test('servers are looked at again and again, those of the engine and those of this process', async (t) => {
  const { clock, watch, active } = bench(t);
  const watched = watch({});
  const until = clock.now() + 300 * DAY;
  let figures: EngineFigures | undefined;
  let redis: ServerCertificate | undefined;
  const servers = new ServerCertificates({
    clock,
    figures: async () => figures,
    connected: () => [redis, undefined],
    onCertificate: (certificate) => watched.shownBy(certificate),
  });
  servers.look();
  t.deepEqual(watched.list, [], 'nobody is connected yet, and the engine does not tell');
  redis = { server: 'Redis 192.0.2.7:6380', until };
  const shown = { address: '192.0.2.1', port: 5061 };
  figures = readFigures(
    JSON.stringify({
      ...IDLE,
      serverCertificates: [
        { ...shown, host: 'cucm.corp.example', until: clock.now() + 3 * DAY },
        { ...shown, host: '192.0.2.1', until },
      ],
    }),
  );
  clock.advance(10 * 60_000);
  await servers.engine();
  t.deepEqual(watched.list.map(({ name }) => name).sort(), [
    'Redis 192.0.2.7:6380',
    'SIP server 192.0.2.1:5061',
    'SIP server cucm.corp.example:5061 at 192.0.2.1',
  ]);
  t.deepEqual(active(), [['CertExpiresSoon', 'SIP server cucm.corp.example:5061 at 192.0.2.1', '2 days left']]);
  servers.close();
  redis = { server: 'Redis 192.0.2.8:6380', until };
  clock.advance(DAY);
  t.is(watched.list.length, 3);
});

test('an engine of another version, which tells of no certificates, is understood', (t) => {
  t.deepEqual(readFigures(JSON.stringify(IDLE))?.serverCertificates, []);
});

const IDLE = {
  clientTransactions: 0,
  serverTransactions: 0,
  dialogs: 0,
  proxied: 0,
  pending: 0,
  connections: 0,
  passing: 1,
  refused: {},
  lag: 0,
  cpuSeconds: 1,
  heapBytes: 1,
  residentBytes: 1,
};

test('every certificate that the configuration names is watched', (t) => {
  const text = `
domains: [corp.example]
trunks: [{ name: cucm, peers: [{ host: 192.0.2.1, transport: tls, caFile: cucm.pem }] }]
edges: [{ name: edge, addresses: [192.0.2.2], transport: tls, caFile: edge.pem }]
engine: { tls: { keyFile: k, certFile: sip.pem, caFile: ca.pem, serverNames: [{ name: a.example, keyFile: k, certFile: sni.pem }] } }
api: { tls: { keyFile: k, certFile: api.pem } }
push: { provider: none, caFile: apple.pem }
store: { redis: { tls: { keyFile: k, certFile: redis.pem, caFile: redis-ca.pem } } }`;
  const files = certificateFilesOf(parseConfig(text, { file: '/etc/callwake.yaml', env: {} }));
  t.deepEqual(
    files.map(({ setting, file }) => `${setting} ${file.slice(5)}`),
    [
      'engine.tls.certFile sip.pem',
      'engine.tls.caFile ca.pem',
      'engine.tls.serverNames[0].certFile sni.pem',
      'trunks[0].peers[0].caFile cucm.pem',
      'edges[0].caFile edge.pem',
      'api.tls.certFile api.pem',
      'push.caFile apple.pem',
      'store.redis.tls.certFile redis.pem',
      'store.redis.tls.caFile redis-ca.pem',
    ],
  );
});
