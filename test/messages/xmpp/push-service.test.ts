import { type Element, xml } from '@xmpp/component';
import test from 'ava';
import fc from 'fast-check';
import type { NotifyOutcome } from '../../../src/messages/notification.js';
import { PushNodes } from '../../../src/messages/xmpp/nodes.js';
import { DOMAIN, NS_PUBSUB, NS_PUSH, outcomeOf, TARGET, World } from './support.js';

test('a notification goes to the device of the node, with sender and text', async (t) => {
  const world = new World();
  const summary = {
    'message-count': '3',
    'last-message-sender': 'bob@corp.example/laptop',
    'last-message-body': ' Lunch? ',
  };
  t.is(await world.publish({ summary }), 'result');
  t.like(world.told[0], {
    kind: 'message',
    ...TARGET,
    sender: { address: 'bob@corp.example' },
    text: 'Lunch?',
    conversation: 'xmpp:bob@corp.example',
  });
  t.is(world.told[0]?.badge, undefined);
  t.regex(world.told[0]?.id ?? '', /^[\w-]{32}$/);
});

test('what a server may do next: end the node only if the device is gone', async (t) => {
  const answers: readonly [NotifyOutcome | 'fault' | undefined, string][] = [
    ['pushed', 'result'],
    ['active', 'result'],
    ['other-active', 'result'],
    ['muted', 'result'],
    ['quiet', 'result'],
    ['unreachable', 'error cancel item-not-found'],
    [undefined, 'error cancel item-not-found'],
    ['failed', 'error wait recipient-unavailable'],
    ['fault', 'error wait recipient-unavailable'],
  ];
  for (const [outcome, answer] of answers) {
    const world = new World();
    world.outcome = outcome;
    t.is(await world.publish(), answer, String(outcome));
  }
});

test('only who was given node and secret publishes, and only from a server of the domains', async (t) => {
  const world = new World();
  const other = new PushNodes('another secret').nodeOf(TARGET);
  t.is(await world.publish({ secret: null }), 'error auth not-authorized');
  t.is(await world.publish({ secret: other.secret }), 'error auth not-authorized');
  t.is(await world.publish({ secret: '' }), 'error auth not-authorized');
  t.is(await world.publish({ node: other.node }), 'error cancel item-not-found');
  t.is(await world.publish({ node: TARGET.deviceId }), 'error cancel item-not-found');
  t.is(await world.publish({ from: 'evil.example' }), 'error auth forbidden');
  t.is(await world.publish({ from: '2001@corp.example/phone' }), 'error auth forbidden', 'a client, not its server');
  t.is(world.told.length, 0);
  t.is(await world.publish({ from: '2001@corp.example' }), 'result', 'some servers publish in the name of the account');
});

test('what is nothing to read becomes no alert, as configured', async (t) => {
  const empty = null;
  const sender = { 'message-count': '1', 'last-message-sender': 'bob@corp.example' };
  const request = { 'pending-subscription-count': '2' };
  const text = { 'last-message-body': 'New Message!' };
  const alerts = async (alertFor: 'text' | 'sender' | 'all'): Promise<number> => {
    const world = new World({ alertFor });
    for (const summary of [empty, sender, request, text]) t.is(await world.publish({ summary }), 'result');
    return world.told.length;
  };
  t.is(await alerts('text'), 2);
  t.is(await alerts('sender'), 3);
  t.is(await alerts('all'), 4);
  const world = new World({ badge: true });
  await world.publish({ summary: { ...request, 'message-count': '7' } });
  t.like(world.told[0], { text: '2 contact requests', badge: 7, conversation: 'xmpp:corp.example', sender: {} });
});

test('too much: servers are told to wait, strangers do not take the place of servers', async (t) => {
  const world = new World({ maxPerSecond: 20, maxPending: 2 });
  for (let i = 0; i < 100; i++) await world.publish({ from: 'evil.example' });
  t.is(await world.publish({ from: 'evil.example' }), 'error wait resource-constraint');
  for (let i = 0; i < 20; i++) t.is(await world.publish(), 'result');
  t.is(await world.publish(), 'error wait resource-constraint');
  world.clock.advance(1000);
  let open = (): void => {};
  world.gate = new Promise((resolve) => {
    open = resolve;
  });
  const waiting = [world.publish(), world.publish()];
  t.is(await world.publish(), 'error wait resource-constraint');
  open();
  t.deepEqual(await Promise.all(waiting), ['result', 'result']);
  t.is(await world.publish(), 'result');
});

test('requests that are none for a push service', async (t) => {
  const { service, nodes } = new World();
  const pubsub = (...children: Element[]): Element => xml('pubsub', { xmlns: NS_PUBSUB }, ...children);
  const ask = async (payload: Element | undefined, attrs: Record<string, string> = {}): Promise<string> =>
    outcomeOf(
      await service.handle(
        xml('iq', { type: 'set', id: '1', from: 'corp.example', to: DOMAIN, ...attrs }, ...(payload ? [payload] : [])),
      ),
    );
  const { node } = nodes.nodeOf(TARGET);
  const notification = xml('notification', { xmlns: NS_PUSH });
  t.is(await ask(undefined), 'error modify bad-request');
  t.is(await ask(pubsub(xml('subscribe', { node }))), 'error cancel feature-not-implemented');
  t.is(await ask(pubsub(xml('publish', {}, xml('item', {}, notification)))), 'error modify bad-request');
  t.is(await ask(pubsub(xml('publish', { node }))), 'error modify bad-request');
  t.is(await ask(pubsub(xml('publish', { node }, xml('item', {})))), 'error modify bad-request');
  const item = xml('item', {}, notification);
  t.is(await ask(pubsub(xml('publish', { node }, item, item))), 'error modify bad-request');
  t.is(await ask(xml('query', { xmlns: 'jabber:iq:register' })), 'error cancel service-unavailable');
  t.is(await ask(pubsub(), { to: `2001@${DOMAIN}` }), 'error cancel service-unavailable');
  const get = { type: 'get', from: 'x@evil.example/a' };
  t.is(await ask(xml('ping', { xmlns: 'urn:xmpp:ping' }), get), 'result');
  t.is(await ask(xml('query', { xmlns: 'http://jabber.org/protocol/disco#items' }), get), 'result');
  t.is(
    await ask(xml('query', { xmlns: 'http://jabber.org/protocol/disco#info', node }), get),
    'error cancel item-not-found',
  );
  t.is(await ask(xml('vCard', { xmlns: 'vcard-temp' }), get), 'error cancel service-unavailable');
  t.is(await ask(undefined, { type: 'result' }), '');
  t.is(
    outcomeOf(await service.handle(xml('message', { from: 'corp.example', to: DOMAIN }, xml('body', {}, 'hi')))),
    '',
  );
});

const NAMES = [
  'iq',
  'pubsub',
  'publish',
  'item',
  'notification',
  'x',
  'field',
  'value',
  'publish-options',
  'query',
  'error',
];
const SPACES = [NS_PUBSUB, NS_PUSH, 'jabber:x:data', 'http://jabber.org/protocol/disco#info', 'urn:xmpp:ping', ''];

const anyElement = fc.letrec<{ element: Element }>((tie) => ({
  element: fc
    .record({
      name: fc.constantFrom(...NAMES),
      attrs: fc.record(
        {
          xmlns: fc.constantFrom(...SPACES),
          node: fc.string({ maxLength: 40 }),
          var: fc.constantFrom('FORM_TYPE', 'secret', 'message-count', 'last-message-body', 'last-message-sender'),
          type: fc.constantFrom('get', 'set', 'result', 'error', ''),
        },
        { requiredKeys: [] },
      ),
      children: fc.array(fc.oneof({ maxDepth: 5, depthSize: 'small' }, fc.string(), tie('element')), { maxLength: 4 }),
    })
    .map(({ name, attrs, children }) => xml(name, attrs, ...children)),
})).element;

test('whatever stanza comes: at most one answer, to who asked, and nobody is told without node and secret', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('iq', 'message', 'presence'),
      fc.record(
        {
          type: fc.constantFrom('get', 'set', 'result', 'error', 'x'),
          id: fc.string({ minLength: 1 }),
          from: fc.oneof(fc.constantFrom('corp.example', 'a@corp.example', 'a@b/c'), fc.string()),
          to: fc.constantFrom(DOMAIN, `a@${DOMAIN}`, ''),
        },
        { requiredKeys: [] },
      ),
      fc.array(anyElement, { maxLength: 3 }),
      async (name, attrs, children) => {
        const world = new World();
        const answer = await world.service.handle(xml(name, attrs, ...children));
        t.is(world.told.length, 0);
        if (answer === undefined) return;
        t.is(name, 'iq');
        t.true(attrs.type === 'get' || attrs.type === 'set');
        t.is(answer.attrs.to, attrs.from);
        t.is(answer.attrs.id, attrs.id);
        t.regex(answer.attrs.type ?? '', /^(result|error)$/);
      },
    ),
    { numRuns: 500 },
  );
});

test('whatever a server says in a notification fits', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.oneof(fc.string(), fc.constantFrom('-1', '1e9', '99999999999', '0', '12')),
      async (body, sender, count) => {
        const world = new World({ alertFor: 'all', badge: true });
        const summary = { 'last-message-body': body, 'last-message-sender': sender, 'message-count': count };
        t.is(await world.publish({ summary }), 'result');
        const [told] = world.told;
        t.true(told?.badge === undefined || (Number.isInteger(told.badge) && told.badge >= 0));
        t.true((told?.conversation ?? '').length <= 3100);
      },
    ),
    { numRuns: 300 },
  );
});

test('a node is always the same, says nothing, and no other text is one', (t) => {
  const nodes = new PushNodes('secret');
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(), (aor, deviceId, seed) => {
      const { node, secret } = nodes.nodeOf({ aor, deviceId });
      t.deepEqual(nodes.nodeOf({ aor, deviceId }), { node, secret });
      t.deepEqual(nodes.read(node), { aor, deviceId });
      t.true(nodes.isSecretOf(node, secret));
      const at = seed % node.length;
      const changed = `${node.slice(0, at)}${node[at] === 'A' ? 'B' : 'A'}${node.slice(at + 1)}`;
      t.is(nodes.read(changed), undefined);
      t.false(nodes.isSecretOf(changed, secret));
    }),
  );
  t.is(nodes.read('A'.repeat(100_000)), undefined);
  const { node } = nodes.nodeOf(TARGET);
  t.false(Buffer.from(node, 'base64url').toString('latin1').includes('2001'));
});
