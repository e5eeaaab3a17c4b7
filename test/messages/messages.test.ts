import test from 'ava';
import { MemoryStore } from '../../src/store/memory-store.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { AOR, message, World } from './world.js';

test('asleep: stored, told, delivered one at a time when awake, each attempt under the message’s own Call-ID', async (t) => {
  const world = new World(['a']);
  t.deepEqual([await world.send('1'), await world.send('2'), await world.send('3')], [202, 202, 202]);
  await settle();
  t.is(world.told.length, 3);
  await world.wakes('a');
  t.deepEqual(world.sent, ['a 1']);
  await world.last().answer(200);
  t.deepEqual(world.sent, ['a 1', 'a 2']);
  await world.last().answer(480);
  await world.wakes('a');
  t.deepEqual(world.sent, ['a 1', 'a 2', 'a 2']);
  const [, first, second] = world.attempts.map(({ delivery }) => delivery);
  t.is(first?.callId, second?.callId);
  await world.last().answer(200);
  await world.last().answer(200);
  t.deepEqual(world.sent, ['a 1', 'a 2', 'a 2', 'a 3']);
  t.is(world.mailbox.total, 0);
  await world.wakes('a');
  t.is(world.attempts.length, 4);
  t.deepEqual(world.faults, []);
});

test('awake: its answer goes back; what it refuses is not stored', async (t) => {
  const world = new World(['a']);
  await world.wakes('a');
  for (const status of [200, 202, 415, 603, 486]) {
    const answer = world.send(`for ${status}`);
    await settle();
    await world.last().answer(status);
    t.is(await answer, status);
  }
  t.is(world.mailbox.total, 0);
  t.is(world.told.length, 0);
});

for (const [why, status, local] of [
  ['no connection', 503, true],
  ['no answer', 408, true],
  ['an edge without its flow', 430, false],
  ['an edge that says 480', 480, false],
  ['an edge that says 503', 503, false],
] as const) {
  test(`awake, but not reached (${why}): stored and told, 202`, async (t) => {
    const world = new World(['a']);
    await world.wakes('a');
    const answer = world.send('1');
    await settle();
    await world.last().answer(status, local);
    t.is(await answer, 202);
    t.is(world.mailbox.total, 1);
    t.is(world.told.length, 1);
    t.is(world.states.get('a'), 'suspended');
  });
}

test('an active phone that says nothing: 202 in time; a late 200 takes the message out of the queue', async (t) => {
  const world = new World(['a']);
  await world.wakes('a');
  const answer = world.send('1');
  await settle();
  await world.clock.advanceAsync(5_000);
  t.is(await answer, 202);
  t.is(world.mailbox.total, 1);
  await world.attempts[0]?.answer(200);
  await world.wakes('a');
  t.is(world.attempts.length, 1);
  t.is(world.mailbox.total, 0);
});

test('what comes while another message is on its way waits its turn', async (t) => {
  const world = new World(['a']);
  await world.wakes('a');
  const first = world.send('1');
  await settle();
  t.is(await world.send('2'), 202);
  t.is(await world.send('3'), 202);
  t.deepEqual(world.sent, ['a 1']);
  await world.last().answer(200);
  t.is(await first, 200);
  await world.last().answer(200);
  await world.last().answer(200);
  t.deepEqual(world.sent, ['a 1', 'a 2', 'a 3']);
  t.is(world.told.length, 0, 'the phone was awake all the time');
});

test('the first one fails: it stays before the ones that came after it, and the user is told', async (t) => {
  const world = new World(['a']);
  await world.wakes('a');
  const first = world.send('1');
  await settle();
  await world.send('2');
  await world.last().answer(408, true);
  t.is(await first, 202);
  t.is(world.told.length, 1);
  await world.wakes('a');
  await world.last().answer(200);
  await world.last().answer(200);
  t.deepEqual(world.sent, ['a 1', 'a 1', 'a 2']);
});

test('several devices: 200 if one has it, the others get it later', async (t) => {
  const world = new World(['a', 'b']);
  await world.wakes('a');
  const answer = world.send('1');
  await settle();
  await world.last().answer(200);
  t.is(await answer, 200);
  t.deepEqual(
    world.told.map(({ options }) => [[...(options.devices ?? [])], [...(options.delivered ?? [])]]),
    [[['b'], ['a']]],
  );
  await world.wakes('b');
  await world.last().answer(200);
  t.deepEqual(world.sent, ['a 1', 'b 1']);
});

test('a push is withdrawn when the message was delivered meanwhile', async (t) => {
  const world = new World(['a']);
  let pushed = (): void => {};
  world.pushing = new Promise((resolve) => {
    pushed = resolve;
  });
  await world.send('1');
  await settle();
  const wanted = world.told[0]?.options.stillWanted;
  t.true(wanted?.('a'));
  await world.wakes('a');
  await world.last().answer(200);
  t.false(wanted?.('a'));
  pushed();
});

test('refused for a time: again after 30 s, 60 s, then it is dead and the next one’s turn comes', async (t) => {
  const world = new World(['a']);
  await world.send('1');
  await world.send('2');
  await world.wakes('a');
  await world.last().answer(486);
  await world.clock.advanceAsync(29_999);
  t.is(world.attempts.length, 1);
  await world.clock.advanceAsync(1);
  t.is(world.attempts.length, 2);
  await world.last().answer(500);
  await world.clock.advanceAsync(59_999);
  t.is(world.attempts.length, 2);
  await world.clock.advanceAsync(1);
  await world.last().answer(486);
  t.deepEqual(world.sent, ['a 1', 'a 1', 'a 1', 'a 2']);
  t.like(await deadIn(world), [{ body: '1', reason: '486 is 486' }]);
  await world.last().answer(200);
  t.is(world.clock.pending, 0);
});

test('refused for good: dead at once', async (t) => {
  const world = new World(['a']);
  await world.send('1');
  await world.wakes('a');
  await world.last().answer(415);
  t.like(await deadIn(world), [{ body: '1', reason: '415 is 415' }]);
  t.is(world.mailbox.total, 0);
});

test('kept too long: dead; as long as its Expires says, if it has one', async (t) => {
  const world = new World(['a']);
  world.messages.start();
  await world.send('an hour', { expires: 3_600_000 });
  await world.send('a week');
  await world.clock.advanceAsync(3_700_000);
  t.deepEqual(
    (await deadIn(world)).map(({ body }) => body),
    ['an hour'],
  );
  await world.clock.advanceAsync(7 * 86_400_000);
  t.deepEqual(
    (await deadIn(world)).map(({ body }) => body),
    ['an hour', 'a week'],
  );
  await world.wakes('a');
  t.is(world.attempts.length, 0);
  await world.clock.advanceAsync(31 * 86_400_000);
  t.is(world.mailbox.dead.count, 0);
  t.deepEqual(await deadIn(world), []);
  world.messages.close();
  t.is(world.clock.pending, 0);
});

test('so many devices at once, in the order in which they came', async (t) => {
  const world = new World(['a', 'b', 'c']);
  await world.send('1');
  for (const id of ['a', 'b', 'c']) await world.wakes(id);
  t.deepEqual(world.sent, ['a 1', 'b 1']);
  await world.attempts[0]?.answer(200);
  t.deepEqual(world.sent, ['a 1', 'b 1', 'c 1']);
});

test('bounds: size, messages and bytes of a device, all together; room again after a delivery', async (t) => {
  const world = new World(['a'], { limits: { messagesPerDevice: 2 } });
  t.is(await world.send('x'.repeat(1001)), 413);
  t.deepEqual([await world.send('1'), await world.send('2'), await world.send('3')], [202, 202, 503]);
  await world.wakes('a');
  await world.last().answer(200);
  world.states.set('a', 'suspended');
  await world.last().answer(480);
  t.is(await world.send('4'), 202);
  const bytes = new World(['a'], { limits: { bytesPerDevice: 1500 } });
  t.deepEqual(
    [await bytes.send('x'.repeat(900)), await bytes.send('y'.repeat(900)), await bytes.send('z')],
    [202, 503, 202],
  );
  const all = new World(['a', 'b'], { limits: { messages: 3 } });
  t.deepEqual([await all.send('1'), await all.send('2'), await all.send('3')], [202, 202, 503]);
});

test('MESSAGEs that wait for an answer are bounded', async (t) => {
  const world = new World(['a'], { settings: { maxPending: 1 } });
  await world.wakes('a');
  const first = world.send('1');
  await settle();
  const refused = await world.messages.receive(message('2'), { aor: AOR });
  t.like(refused, { status: 503, retryAfter: 10 });
  await world.last().answer(200);
  t.is(await first, 200);
});

test('the same request again, over another node: one message, the same answer', async (t) => {
  const world = new World(['a']);
  t.deepEqual(await Promise.all([world.send('1'), world.send('1')]), [202, 202]);
  await settle();
  t.is(world.mailbox.total, 1);
  t.is(world.told.length, 1);
});

test('the next process: the same request is known, what waits is delivered, pushes that were owed are made', async (t) => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const before = new World(['a', 'b'], { store, clock });
  before.pushing = new Promise(() => {});
  t.is(await before.send('1'), 202);
  before.messages.close();

  const after = new World(['a', 'b'], { store, clock });
  after.messages.start();
  await settle(6);
  t.is(after.mailbox.total, 2);
  t.deepEqual(
    after.told.map(({ options }) => [...(options.devices ?? [])]),
    [['a', 'b']],
  );
  t.like(after.told[0]?.notification, { id: 'id of 1', text: '1' });
  t.is(await after.send('1'), 202);
  t.is(after.mailbox.total, 2);
  after.states.set('a', 'active');
  after.messages.connected();
  await settle(6);
  t.deepEqual(after.sent, ['a 1']);
  await after.last().answer(200);
  after.messages.close();

  const third = new World(['a', 'b'], { store, clock });
  third.messages.start();
  await settle(6);
  t.is(third.told.length, 0);
  t.is(third.mailbox.total, 1);
  third.messages.close();
});

test('a store that fails: 500, and the request may come again', async (t) => {
  const store = new MemoryStore();
  const world = new World(['a'], { store });
  const put = store.putQueued.bind(store);
  store.putQueued = () => Promise.reject(new Error('disk full'));
  t.is(await world.send('1'), 500);
  t.is(world.told.length, 0);
  store.putQueued = put;
  t.is(await world.send('1'), 202);
  t.is(world.mailbox.total, 1);
});

for (const [use, over] of [
  ['composing', { contentType: 'application/im-iscomposing+xml' }],
  [
    'composing in CPIM',
    { contentType: 'message/CPIM', body: 'To: <im:a>\n\nContent-Type: application/im-iscomposing+xml\n\n<x/>' },
  ],
] as const) {
  test(`${use}: to who is awake, else nowhere`, async (t) => {
    const world = new World(['a', 'b']);
    t.is(await world.send('x', over), 202);
    await world.wakes('a');
    const answer = world.send('y', over);
    await settle();
    t.is(world.attempts.length, 1);
    await world.last().answer(408, true);
    t.is(await answer, 202);
    t.is(world.mailbox.total, 0);
    t.is(world.told.length, 0);
  });
}

test('a receipt is stored and delivered, and nobody is ever told', async (t) => {
  const world = new World(['a']);
  const receipt = { contentType: 'message/imdn+xml' };
  t.is(await world.send('1', receipt), 202);
  await world.wakes('a');
  await world.last().answer(200);
  const answer = world.send('2', receipt);
  await settle();
  await world.send('3', receipt);
  await world.last().answer(408, true);
  t.is(await answer, 202);
  t.is(world.mailbox.total, 2);
  t.is(world.told.length, 0);
});

test('a registration reads no queue when nothing waits; what a process before has left is delivered', async (t) => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const before = new World(['a', 'b'], { store, clock });
  await before.messages.receive(message('1'), { aor: AOR, deviceId: 'a' });
  before.messages.close();
  const reads: string[] = [];
  const queued = store.queued.bind(store);
  store.queued = (queue, limit) => {
    reads.push(queue);
    return queued(queue, limit);
  };
  const after = new World(['a', 'b'], { store, clock });
  after.messages.start();
  await settle(20);
  reads.length = 0;
  await after.wakes('b');
  t.deepEqual(reads, []);
  await after.wakes('a');
  await after.last().answer(200);
  t.deepEqual(after.sent, ['a 1']);
  reads.length = 0;
  await after.wakes('a');
  t.deepEqual(reads, []);
  after.messages.close();
});

async function deadIn({ mailbox }: World) {
  return (await mailbox.dead.after('', 10)).map(({ message: dead }) => dead);
}
