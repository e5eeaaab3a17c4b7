import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { ContactRegistry } from '../../src/engine/contact-registry.js';
import { createResponse, SipRequest } from '../../src/engine/message/index.js';
import type { Flow } from '../../src/engine/transport/index.js';
import { parseUri } from '../../src/grammar/uri.js';
import { FakeClock } from '../support/fake-clock.js';

const CONNECTION = { id: 1, protocol: 'tcp', outbound: false, verified: false, peerNames: [], close() {} } as const;

/** A registry under a clock, and phones that register with it, each over a connection of its own. */
function scene() {
  const clock = new FakeClock();
  const registry = new ContactRegistry(clock);
  const register = (contact: string, connection: { alive: boolean }, expires = 3600): void => {
    const message = new SipRequest('REGISTER', 'sip:a').set('Contact', contact).set('Expires', String(expires));
    message.add('Via', 'SIP/2.0/TCP x;branch=z9hG4bKx').add('From', '<sip:a>;tag=1').add('To', '<sip:2001@a>');
    message.add('Call-ID', 'c').add('CSeq', '1 REGISTER');
    const local = { address: '192.0.2.1', port: 5060 };
    const flow: Flow = { protocol: 'tcp', local, remote: local, connection: Object.assign(connection, CONNECTION) };
    registry.learn(message, createResponse(message, 200), flow);
  };
  const find = (contact: string) => registry.find(parseUri(contact));
  return { clock, registry, register, find };
}

const instance = (id: number | string): string => `;+sip.instance="<urn:uuid:${id}>"`;

/** Whether nobody holds it any more. */
async function isCollected(kept: WeakRef<object>): Promise<boolean> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  await turn();
  collect();
  return kept.deref() === undefined;
}

test('a device that registers from another port each time it wakes leaves no Contacts behind', (t) => {
  const { clock, registry, register, find } = scene();
  for (let port = 10_000; port < 11_000; port++) {
    register(`<sip:2001@192.0.2.9:${port}>${instance('a')}`, { alive: true });
    clock.advance(10_000);
  }
  t.true(registry.size < 20, `${registry.size}`);
  t.not(find('sip:2001@192.0.2.9:10999'), undefined);
  t.is(find('sip:2001@192.0.2.9:10001'), undefined);
});

test('what was under way to the former Contact still finds its connection for a while; other flows of the device stay', (t) => {
  const { clock, register, find } = scene();
  register(`<sip:2001@192.0.2.9:1>${instance('a')};reg-id=1`, { alive: true });
  register(`<sip:2001@192.0.2.9:2>${instance('a')};reg-id=2`, { alive: true });
  register(`<sip:2001@192.0.2.9:3>${instance('a')};reg-id=1`, { alive: true });
  t.not(find('sip:2001@192.0.2.9:1'), undefined);
  clock.advance(64_000);
  for (let port = 4; port < 8; port++) register(`<sip:2001@192.0.2.9:${port}>${instance(port)}`, { alive: true });
  t.is(find('sip:2001@192.0.2.9:1'), undefined);
  t.not(find('sip:2001@192.0.2.9:2'), undefined);
  t.not(find('sip:2001@192.0.2.9:3'), undefined);
});

test('a connection that has ended is let go of, and its Contact is lost until it runs out', async (t) => {
  const { clock, registry, register, find } = scene();
  const register100 = (connection: { alive: boolean }) => {
    for (let port = 1; port <= 100; port++) register(`<sip:2001@192.0.2.9:${port}>${instance(port)}`, connection, 60);
  };
  let connection: { alive: boolean } | undefined = { alive: true };
  const kept = new WeakRef(connection);
  register100(connection);
  connection.alive = false;
  connection = undefined;
  const other = { alive: true };
  for (let n = 0; n < 60; n++) register(`<sip:2002@192.0.2.9:1>${instance('b')}`, other);
  t.true(await isCollected(kept));
  t.is(find('sip:2001@192.0.2.9:1'), 'lost');
  t.is(registry.size, 101);
  clock.advance(60_000);
  for (let n = 0; n < 60; n++) register(`<sip:2002@192.0.2.9:1>${instance('b')}`, other);
  t.is(registry.size, 1);
});
