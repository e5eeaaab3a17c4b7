import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Alarm } from '../../../src/ops/alarms/board.js';
import { Webhook } from '../../../src/ops/alarms/webhook.js';
import { FakeClock } from '../../support/fake-clock.js';

const alarm = (subject: string): Alarm => ({
  name: 'SIPTrunkOOS',
  subject,
  severity: 'critical',
  state: 'active',
  reason: 'no answer',
  text: 'Look at CUCM.',
  raisedAt: 1,
});

interface Posted {
  readonly subject: string;
  readonly id: string | undefined;
  readonly signedRight: boolean;
}

/** A receiver that gives the next of `answers` each time, the last one for ever. */
async function receiver(t: ExecutionContext, answers: readonly number[]) {
  const posted: Posted[] = [];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const signature = createHmac('sha256', 'secret').update(body).digest('hex');
    posted.push({
      subject: String(JSON.parse(body).subject),
      id: request.headers['idempotency-key'] as string | undefined,
      signedRight: request.headers['x-callwake-signature'] === `sha256=${signature}`,
    });
    response.writeHead(answers[Math.min(posted.length, answers.length) - 1] ?? 500).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new FakeClock();
  const lost: string[] = [];
  const webhook = new Webhook({
    target: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarms`, secret: 'secret' },
    clock,
    node: 'here',
    onLost: ({ subject }, why) => lost.push(`${subject}: ${why}`),
  });
  t.teardown(() => {
    webhook.close();
    server.close();
    server.closeAllConnections();
  });
  /** Settles once it holds. */
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { posted, lost, webhook, clock, until };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

test('alarms arrive in order, signed, each with an id of its own', async (t) => {
  const { posted, webhook, until } = await receiver(t, [200]);
  webhook.send(alarm('a'));
  webhook.send(alarm('b'));
  await until(() => posted.length === 2);
  t.deepEqual(
    posted.map(({ subject }) => subject),
    ['a', 'b'],
  );
  t.true(posted.every(({ signedRight }) => signedRight));
  t.not(posted[0]?.id, posted[1]?.id);
});

test('a receiver in trouble is tried again later, with the same id, and the next alarm waits', async (t) => {
  const { posted, webhook, clock, until } = await receiver(t, [503, 429, 204]);
  webhook.send(alarm('a'));
  webhook.send(alarm('b'));
  await until(() => clock.pending === 1);
  t.is(posted.length, 1);
  clock.advance(999);
  t.is(clock.pending, 1);
  clock.advance(1);
  await until(() => clock.pending === 1);
  clock.advance(2000);
  await until(() => posted.length === 4);
  t.deepEqual(
    posted.map(({ subject }) => subject),
    ['a', 'a', 'a', 'b'],
  );
  t.is(new Set(posted.slice(0, 3).map(({ id }) => id)).size, 1);
});

test('what is refused, or not taken in eight attempts, is lost and said so', async (t) => {
  const refused = await receiver(t, [404, 200]);
  refused.webhook.send(alarm('a'));
  refused.webhook.send(alarm('b'));
  await refused.until(() => refused.posted.length === 2);
  t.deepEqual(refused.lost, ['a: refused with 404']);

  const down = await receiver(t, [500]);
  down.webhook.send(alarm('a'));
  for (let attempt = 1; attempt < 8; attempt++) {
    await down.until(() => down.clock.pending === 1);
    down.clock.advance(60_000);
  }
  await down.until(() => down.lost.length === 1);
  t.deepEqual(down.lost, ['a: not taken in 8 attempts']);
});

test('while the receiver is away at most 200 wait', async (t) => {
  const { lost, webhook, clock, until } = await receiver(t, [503]);
  webhook.send(alarm('first'));
  await until(() => clock.pending === 1);
  for (let i = 0; i < 200; i++) webhook.send(alarm(String(i)));
  t.deepEqual(lost, ['first: too many wait']);
});
