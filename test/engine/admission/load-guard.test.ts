import test from 'ava';
import { LoadGuard, RefusalLog, udpBacklog } from '../../../src/engine/admission/index.js';
import { SipRequest } from '../../../src/engine/message/index.js';
import { FakeClock } from '../../support/fake-clock.js';

function guardFor(load: { busy: number; heap: number; backlog?: number }, limits: { pending?: number } = {}) {
  const clock = new FakeClock();
  const meter = { busy: () => load.busy, heap: () => load.heap, backlog: () => load.backlog };
  const said: string[] = [];
  const guard = new LoadGuard({ clock, limits, meter, random: () => 0.5, log: (text) => said.push(text) });
  guard.start();
  return { guard, clock, said };
}

function request(method: string, to = '<sip:bob@example.com>'): SipRequest {
  return new SipRequest(method, 'sip:bob@example.com').set('To', to);
}

const CALM = { busy: 0.4, heap: 0.1 };

test('without load everything passes', async (t) => {
  const { guard, clock } = guardFor(CALM);
  await clock.advance(5000);
  t.is(guard.share, 1);
  for (const method of ['INVITE', 'REGISTER', 'OPTIONS']) t.is(guard.refuse(request(method), 10), undefined);
});

test('one busy look is garbage collection, several are overload: the share of new work falls, and rises when there is room', async (t) => {
  const load = { busy: 1, heap: 0.1 };
  const { guard, clock, said } = guardFor(load);
  await clock.advance(500);
  t.is(guard.share, 1);
  await clock.advance(5000);
  t.true(guard.share < 0.1);
  t.true(guard.share > 0, 'some still pass, else nobody would know when it is over');
  t.is(guard.refuse(request('INVITE'), 0)?.status, 503);
  t.is(guard.refuse(request('REGISTER'), 0)?.status, 503);
  load.busy = 0.5;
  await clock.advance(5000);
  t.is(guard.share, 1);
  t.is(guard.refuse(request('INVITE'), 0), undefined);
  t.deepEqual(said, ['overload: part of the new work gets 503', 'overload is over']);
});

test('a refusal says when to come back, and why', async (t) => {
  const { guard } = guardFor(CALM, { pending: 3 });
  t.is(guard.refuse(request('INVITE'), 2), undefined);
  const refusal = guard.refuse(request('INVITE'), 3);
  t.is(refusal?.status, 503);
  const { 'Retry-After': retryAfter, Warning } = Object.fromEntries(refusal?.headers ?? []);
  t.regex(retryAfter ?? '', /^([2-9]|10)$/);
  t.is(Warning, '399 callwake "too many requests wait"');
});

test('of requests that are turned away the first of a cause is told at once, the others by number', (t) => {
  const clock = new FakeClock();
  const said: string[] = [];
  const log = new RefusalLog(clock, (text) => said.push(text));
  for (let n = 0; n < 100; n++) log.note('overload');
  log.note('no application connected');
  t.deepEqual(said.splice(0), ['503 to a request: overload', '503 to a request: no application connected']);
  clock.advance(10_000);
  log.note('overload');
  t.deepEqual(said, ['503 to 100 requests: overload']);
});

test('requests in a dialog pass whatever the load', async (t) => {
  const { guard, clock } = guardFor({ busy: 1, heap: 0.99 }, { pending: 0 });
  await clock.advance(5000);
  for (const method of ['BYE', 'INVITE', 'UPDATE', 'INFO']) {
    t.is(guard.refuse(request(method, '<sip:bob@example.com>;tag=1'), 1_000_000), undefined);
  }
});

test('a ping passes longer than a call', async (t) => {
  const { guard, clock } = guardFor({ busy: 1, heap: 0.1 });
  while (guard.share > 0.4) await clock.advance(250);
  t.is(guard.refuse(request('INVITE'), 0)?.status, 503);
  t.is(guard.refuse(request('OPTIONS'), 0), undefined);
});

test('nothing new passes while the heap is nearly full', async (t) => {
  const load = { busy: 0.2, heap: 0.9 };
  const { guard, clock } = guardFor(load);
  await clock.advance(250);
  t.is(guard.share, 0);
  t.is(guard.refuse(request('OPTIONS'), 0)?.status, 503);
  load.heap = 0.5;
  await clock.advance(250);
  t.is(guard.share, 1);
});

test('a busy event loop that keeps up with what comes in turns nothing away', async (t) => {
  const load = { busy: 1, heap: 0.1, backlog: 0.1 };
  const { guard, clock } = guardFor(load);
  await clock.advance(5000);
  t.is(guard.share, 1);
  load.backlog = 0.8;
  await clock.advance(1000);
  t.true(guard.share < 1);
  load.backlog = 0;
  await clock.advance(2000);
  t.is(guard.share, 1);
});

test('what waits in UDP sockets is read from the tables of the kernel', (t) => {
  const head =
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';
  const row = (local: string, waiting: string) =>
    `  111: ${local} 00000000:0000 07 00000000:${waiting} 00:00000000 00000000     0        0 541522 2 00000000cf4c718e 0`;
  const tables: Record<string, string> = {
    '/proc/net/udp': [
      head,
      row('0A00007F:13C4', '00000900'),
      row('0B00007F:13C4', '00100000'),
      row('0A00007F:13C5', '00100000'),
    ].join('\n'),
    '/proc/net/udp6': [head, row('00000000000000000000000001000000:13C4', '00000001')].join('\n'),
  };
  const read = (path: string): string => tables[path] ?? '';
  const here = { address: '127.0.0.10', port: 5060 };
  t.is(udpBacklog([here], read), 0x900);
  t.is(udpBacklog([here, { address: '::1', port: 5060 }], read), 0x901);
  t.is(udpBacklog([], read), 0);
  t.is(
    udpBacklog([here], () => {
      throw new Error('no such file');
    }),
    undefined,
  );
});
