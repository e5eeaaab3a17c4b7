// The Apple simulator as a process of its own, for benchmarks. Prints one line of JSON when it listens, and five times a second how many
// pushes came: attempts, different apns-ids, and different things that they tell of.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ApnsSimulator } from '../../dist/sim/apns/simulator.js';
import { alertTokenOf } from './registering-phones.mjs';

const [keyFile, teamId, keyId, topic, phones] = process.argv.slice(2);
const apple = await new ApnsSimulator().start();
apple.registerKey({ teamId, keyId, publicKey: createPublicKey(readFileSync(keyFile)) });
for (let n = 1; n <= Number(phones); n++) {
  apple.registerToken({ token: alertTokenOf(n), topics: [topic], environment: 'production' });
}
process.stdout.write(`${JSON.stringify({ endpoints: apple.endpoints, ca: apple.ca })}\n`);
const [ids, things] = [new Set(), new Set()];
let seen = 0;
setInterval(() => {
  for (const { apnsId, token, payload } of apple.received.slice(seen - apple.total)) {
    ids.add(apnsId);
    things.add(`${token} ${payload.callwake?.id ?? payload.callUuid}`);
  }
  seen = apple.total;
  process.stdout.write(`${JSON.stringify({ pushes: seen, ids: ids.size, things: things.size })}\n`);
}, 200);
process.on('SIGTERM', () => process.exit(0));
