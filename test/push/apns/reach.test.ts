import net from 'node:net';
import test from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { reach } from '../../../src/push/apns/reach.js';

const PATIENCE_MS = 300;

test('time in which callwake itself was busy is not charged to the other side', async (t) => {
  const listening = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.teardown(() => listening.close());
  const address = listening.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const steps = reach({ clock: systemClock, endpoint: { host: '127.0.0.1', port }, patience: PATIENCE_MS });
  t.like((await steps.next()).value, { step: 'dns', ok: true });
  const tcp = steps.next();
  const busyUntil = performance.now() + 3 * PATIENCE_MS;
  while (performance.now() < busyUntil);
  t.like((await tcp).value, { step: 'tcp', ok: true });
  t.like((await steps.next()).value, { step: 'tls', ok: false });
});
