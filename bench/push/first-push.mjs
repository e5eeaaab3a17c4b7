// What it saves that a connection to Apple is open before the first call: time to Apple's answer, cold and prewarmed, at some distance.
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { ApnsSimulator } from '../../dist/sim/apns/simulator.js';
import { clients, KEY_ID, TEAM } from './clients.mjs';
import { certificate, HOST, median, privateKey } from './run.mjs';

const ONE_WAY_MS = 20;
const ROUNDS = 15;

const apple = await new ApnsSimulator({ certificate, host: HOST, acceptAnyToken: true }).start();
apple.registerKey({ teamId: TEAM, keyId: KEY_ID, publicKey: privateKey });
const delayed = (from, to) => from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), ONE_WAY_MS));
const relay = net.createServer((near) => {
  const far = net.connect(apple.endpoints.production);
  delayed(near, far);
  delayed(far, near);
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ]) {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => other.destroy());
  }
});
await new Promise((resolve) => relay.listen(0, HOST, resolve));

async function firstPush(prewarmed) {
  const { port } = relay.address();
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const client = await clients.callwake({ host: HOST, port, ca: certificate.cert, key });
  if (prewarmed) {
    client.warm();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const startedAt = performance.now();
  await client.push(randomBytes(32).toString('hex'));
  const took = performance.now() - startedAt;
  await client.close();
  return took;
}

await firstPush(false);
const times = { cold: [], prewarmed: [] };
for (let round = 0; round < ROUNDS; round++) {
  times.cold.push(await firstPush(false));
  times.prewarmed.push(await firstPush(true));
}
const [cold, warm] = [median(times.cold), median(times.prewarmed)];
console.log(
  `first push at ${2 * ONE_WAY_MS} ms round trip, median of ${ROUNDS}: cold ${cold.toFixed(0)} ms, prewarmed ${warm.toFixed(0)} ms, saved ${(cold - warm).toFixed(0)} ms`,
);
process.exit(0);
