// MESSAGEs a second for sleeping phones: each on disk before its 202 leaves, and an alert push to the Apple simulator. Then memory
// with many messages stored. After `npm run build`:
// Needs dumpcap (apt-get install wireshark-common) and the right to capture on the loopback.
//   node bench/messages.mjs [--rate 500] [--seconds 20] [--phones 2000] [--stored 1000000] [--durable true|false]
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { closeSync, fdatasyncSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { LmdbStore } from '../dist/store/lmdb-store.js';
import { argumentsOf, cores, cpuSeconds, load, memory, quantiles, sleep, where } from './harness/machine.mjs';
import { instanceOf, RegisteringPhones } from './harness/registering-phones.mjs';
import { DOMAIN, scratch, startCallwake } from './harness/servers.mjs';
import { capture } from './harness/wire.mjs';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    phones: { type: 'string', default: '2000' },
    stored: { type: 'string', default: '1000000' },
    durable: { type: 'string', default: 'true' },
  },
});
const [rate, seconds, phones, stored] = [values.rate, values.seconds, values.phones, values.stored].map(Number);
const [TEAM, KEY, TOPIC] = ['TEAM123456', 'KEYID12345', 'com.example.softphone'];
const BODY = 'Shall we meet at noon in the canteen? I bring the plans for the new building with me.';
/** Milliseconds after which the code is compiled and each phone has had its first push. */
const WARM_AFTER = 5_000;
const folder = scratch();
console.log(where());
const durable = values.durable === 'true';
console.log(
  `${phones} sleeping phones, ${rate} MESSAGEs/s for ${seconds} s over UDP, LMDB, ${durable ? '' : 'not '}waiting for the disk`,
);
console.log(`the disk alone, 4 KB and fdatasync: ${JSON.stringify(diskTimes())}`);

const keyFile = join(folder, 'key.pem');
const p8 = join(folder, 'AuthKey.p8');
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
writeFileSync(keyFile, pair.publicKey.export({ type: 'spki', format: 'pem' }));
writeFileSync(p8, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
const apple = await startApple();

await run('empty store', 0);
if (stored > 0) await run(`${stored} messages stored`, stored);
apple.child.kill('SIGTERM');
process.exit(0);

async function run(name, fill) {
  const path = join(folder, String(fill));
  mkdirSync(path);
  if (fill > 0) await seed(join(path, 'data'), fill);
  const { production, sandbox } = apple.endpoints;
  const server = await startCallwake(path, {
    store: { kind: 'lmdb', path: join(path, 'data'), durable },
    devices: { awakeFor: '0s' },
    messages: { messagesPerDevice: 100_000, bytesPerDevice: 1_000_000_000, maxStored: 10_000_000 },
    push: {
      provider: 'apns',
      accounts: [{ teamId: TEAM, keyId: KEY, keyFile: p8, environment: 'production' }],
      endpoints: { production: urlOf(production), sandbox: urlOf(sandbox) },
      caFile: apple.caFile,
    },
  });
  const registering = await new RegisteringPhones({ host: '127.0.0.1', port: server.port }, DOMAIN).open();
  // The engine answers before the application is there.
  while ((await registering.register(1, 1, 1)).statuses[200] === undefined) await sleep(100);
  const registered = await registering.register(1, phones, 128);
  if (registered.statuses[200] !== phones) throw new Error(`REGISTER: ${JSON.stringify(registered.statuses)}`);
  registering.close();
  const idle = await settled(server);
  const pushes = apple.pushes();
  const before = load([...server.pids()]);
  const own = byRole(server, (pid) => cpuSeconds([pid]));
  const wire = await capture(server.port, join(path, 'wire.pcap'), /msg-\d+-/);
  const others = {
    sender: cpuSeconds([process.pid]),
    apple: cpuSeconds([apple.child.pid]),
    dumpcap: cpuSeconds([wire.pid]),
  };
  const { latencies, statuses, repeats } = await send(server.port);
  const used = cores(before, load([...server.pids()]));
  const perMessage = (seconds) => round((seconds * 1000) / latencies.length);
  const cpu = {
    ...byRole(server, (pid, role) => perMessage(cpuSeconds([pid]) - own[role])),
    sender: perMessage(cpuSeconds([process.pid]) - others.sender),
    apple: perMessage(cpuSeconds([apple.child.pid]) - others.apple),
    dumpcap: perMessage(cpuSeconds([wire.pid]) - others.dumpcap),
  };
  await sleep(2_000);
  const told = apple.pushes();
  const onWire = await wire.stop();
  console.log(
    JSON.stringify({
      name,
      perSecond: rate,
      statuses,
      repeats,
      wire: summaryOf(onWire),
      sender: summaryOf(latencies),
      pushes: told.pushes - pushes.pushes,
      apnsIds: told.ids - pushes.ids,
      messagesPushed: told.things - pushes.things,
      cpuMsPerMessage: cpu,
      coresOfCallwake: used.ours,
      coresOfOthers: used.others,
      startMs: server.startMs,
      memoryBefore: idle,
      memoryAfter: await settled(server),
    }),
  );
  await server.stop();
}

function summaryOf(times) {
  const of = (from, to) => quantiles(times.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms));
  return {
    ms: of(0, Number.POSITIVE_INFINITY),
    [`msAfter${WARM_AFTER / 1000}s`]: of(WARM_AFTER, Number.POSITIVE_INFINITY),
    p99OfEach5s: Array.from({ length: Math.ceil(seconds / 5) }, (_, i) => round(of(i * 5000, (i + 1) * 5000).p99)),
  };
}

/** Own memory (MB) of engine and app. */
async function settled(server) {
  await sleep(3_000);
  return byRole(server, (pid) => memory(pid).own);
}

/** What `read` gives for the process of the engine and that of the app. */
function byRole(server, read) {
  const of = (role) => server.pids().find((pid) => argumentsOf(pid).includes(role));
  return Object.fromEntries(['engine', 'app'].map((role) => [role, read(of(role), role)]));
}

/** Messages of an hour ago, for phones that have not come since. */
async function seed(path, count) {
  const store = new LmdbStore({ path, durable: false });
  const now = Date.now() - 3_600_000;
  const perPhone = Math.ceil(count / phones);
  for (let n = 1; n <= phones; n++) {
    const writes = [];
    for (let i = 0; i < perPhone; i++) {
      const message = {
        v: 1,
        id: `seed-${n}-${i}`,
        from: '<sip:1001@127.0.0.1>',
        to: `<sip:d${n}@${DOMAIN}>`,
        headers: [['Content-Type', 'text/plain']],
        body: BODY,
        contentType: 'text/plain',
        maxForwards: 69,
        receivedAt: now,
        keptUntil: now + 7 * 86_400_000,
        push: 'now',
      };
      const position = `${String(now).padStart(15, '0')}-${String(i).padStart(8, '0')}`;
      writes.push(store.putQueued(`sip:d${n}@${DOMAIN} ${instanceOf(n)}`, position, message));
    }
    await Promise.all(writes);
  }
  await store.close();
}

/** Sends at the rate, one MESSAGE after the other to each phone in turn; what isn't answered is sent again as RFC 3261 17.1.2.2 says. */
async function send(port) {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: 4 << 20,
    lookup: (host, _o, done) => done(null, host, 4),
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const own = socket.address().port;
  const pending = new Map();
  const latencies = [];
  const statuses = {};
  let repeats = 0;
  const start = performance.now();
  socket.on('message', (data) => {
    const text = data.latin1Slice();
    const id = Number.parseInt(text.slice(text.indexOf('msg-') + 4), 10);
    const entry = pending.get(id);
    const status = Number(text.slice(8, 11));
    if (entry === undefined || status < 200) return;
    pending.delete(id);
    statuses[status] = (statuses[status] ?? 0) + 1;
    latencies.push({ at: entry.first - start, ms: performance.now() - entry.first });
  });
  const total = rate * seconds;
  let sent = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      for (; sent < total && sent < ((now - start) * rate) / 1000; sent++) {
        const n = 1 + (sent % phones);
        const text =
          `MESSAGE sip:d${n}@${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bKm${sent};rport\r\n` +
          `Max-Forwards: 70\r\nFrom: <sip:1001@127.0.0.1>;tag=m${sent}\r\nTo: <sip:d${n}@${DOMAIN}>\r\n` +
          `Call-ID: msg-${sent}-${start}@bench\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n` +
          `Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
        pending.set(sent, { text, first: performance.now(), next: now + 500, wait: 500 });
        socket.send(text, port, '127.0.0.1');
      }
      for (const entry of pending.values()) {
        if (now < entry.next) continue;
        repeats++;
        entry.wait = Math.min(entry.wait * 2, 4000);
        entry.next = now + entry.wait;
        socket.send(entry.text, port, '127.0.0.1');
      }
      if ((sent >= total && pending.size === 0) || now - start > seconds * 1000 + 10_000) {
        clearInterval(timer);
        resolve();
      }
    }, 2);
  });
  socket.close();
  if (pending.size > 0) statuses.none = pending.size;
  return { latencies, statuses, repeats };
}

function startApple() {
  const args = ['bench/harness/apple.mjs', keyFile, TEAM, KEY, TOPIC, String(phones)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  let pushes = { pushes: 0, ids: 0, things: 0 };
  return new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line);
      if (told.pushes !== undefined) pushes = told;
      if (told.endpoints === undefined) return;
      const caFile = join(folder, 'apple-ca.pem');
      writeFileSync(caFile, told.ca);
      resolve({ child, caFile, endpoints: told.endpoints, pushes: () => pushes });
    });
  });
}

/** What the disk takes by itself, ms. */
function diskTimes() {
  const file = openSync(join(folder, 'disk'), 'w');
  const page = Buffer.alloc(4096, 1);
  const times = [];
  for (let i = 0; i < 500; i++) {
    writeSync(file, page, 0, page.length, (i % 64) * 4096);
    const start = performance.now();
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  return quantiles(times);
}

function round(value) {
  return Math.round(value * 1000) / 1000;
}

function urlOf({ host, port }) {
  return `https://${host}:${port}`;
}
