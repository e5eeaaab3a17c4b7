import { BlockList } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/config/duration.js';
import { addAddressRange, isHost } from '../../src/config/fields.js';

test('durations', (t) => {
  t.is(parseDuration('500ms'), 500);
  t.is(parseDuration('13s'), 13_000);
  t.is(parseDuration('1.5h'), 5_400_000);
  t.is(parseDuration('7d'), 604_800_000);
  for (const wrong of ['13', '', 's', '-1s', '1 s', '1e3s', 'Infinityd', '1w'])
    t.is(parseDuration(wrong), undefined, wrong);
});

test('a formatted duration reads back as itself', (t) => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), (ms) => {
      t.is(parseDuration(formatDuration(ms)), ms);
    }),
  );
});

test('hosts', (t) => {
  for (const right of [
    '192.0.2.1',
    '[2001:db8::1]',
    '::1',
    'sip.corp.example',
    'edge-1',
    'kamailio_edge',
    'a.example.',
  ]) {
    t.true(isHost(right), right);
  }
  for (const wrong of [
    '',
    'a b',
    '300.1.1.1',
    '192.0.2',
    'sip:host',
    'host:5060',
    '-a',
    'a..b',
    `${'a'.repeat(64)}.b`,
  ]) {
    t.false(isHost(wrong), wrong);
  }
});

test('addresses and ranges', (t) => {
  const list = new BlockList();
  for (const right of ['192.0.2.1', '198.51.100.0/24', '2001:db8::/32']) t.true(addAddressRange(list, right), right);
  t.true(list.check('192.0.2.1'));
  t.true(list.check('198.51.100.77'));
  t.true(list.check('2001:db8::5', 'ipv6'));
  t.false(list.check('203.0.113.1'));
  for (const wrong of ['', 'edge.example', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/a']) {
    t.false(addAddressRange(list, wrong), wrong);
  }
});
