import { type Element, xml } from '@xmpp/component';
import test, { type ExecutionContext } from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import type { SipMessage } from '../../src/engine/message/index.js';
import type { PhoneSimulator } from '../../src/sim/phone/index.js';
import { Prosody } from './prosody.js';
import { stageFor } from './support.js';
import { XmppClient } from './xmpp-client.js';

const DOMAIN = 'corp.example';
const COMPONENT = 'push.corp.example';
const SECRET = 'the-components-secret';
const ALERT = 'ab'.repeat(32);
const NS_PUSH = 'urn:xmpp:push:0';

/** Settings under which Prosody says who wrote what, and gives a node up at the third error. */
const TALKATIVE = ['push_notification_with_body = true', 'push_notification_with_sender = true', 'push_max_errors = 1'];

interface Scene {
  readonly prosody: Prosody;
  readonly stage: Stage;
  /** Ada's phone, asleep. */
  readonly phone: PhoneSimulator;
  /** What her app was told by the 200 to its REGISTER. */
  readonly node: { readonly jid: string; readonly node: string; readonly secret: string };
}

test.serial(
  'a message to a user whose app sleeps becomes an alert on the phone; one that waits does not come twice',
  async (t) => {
    const { prosody, stage, phone, node } = await setUp(t);
    const app = await XmppClient.login(prosody.clients, '2001', DOMAIN);
    t.is((await enable(app, node)).attrs.type, 'result');
    await app.close();
    const bob = await XmppClient.login(prosody.clients, '2002', DOMAIN);
    bob.message(`2001@${DOMAIN}`, 'Grüße: 你好 <&> 🙂');
    await stage.apple.waitFor(1);
    const push = stage.apple.received[0];
    t.is(push?.token, ALERT);
    t.is(push?.headers['apns-push-type'], 'alert');
    t.is(push?.headers['apns-topic'], 'com.example.phone');
    t.like(push?.payload, {
      aps: { alert: { title: `2002@${DOMAIN}`, body: 'Grüße: 你好 <&> 🙂' } },
      callwake: { type: 'message', aor: `sip:2001@${DOMAIN}` },
    });
    t.is(
      phone.pushes.filter(({ kind }) => kind === 'voip').length,
      0,
      'no VoIP push: Apple ends apps that get those without a call',
    );
    await prosody.says(/Received\[component\]: <iq [^>]*type='result'/);
    t.is(stage.apple.received.length, 1);

    const again = await XmppClient.login(prosody.clients, '2001', DOMAIN);
    const message = await again.next((element) => element.is('message'));
    t.is(message.getChild('body')?.getText(), 'Grüße: 你好 <&> 🙂');
    const log = stage.callwake.log.map((line) => JSON.stringify(line)).join('\n');
    for (const hidden of [SECRET, node.secret, node.node, 'Grüße']) t.false(log.includes(hidden), hidden);
    await again.close();
    await bob.close();
  },
);

test.serial('the server is restarted: callwake connects again, and messages are told as before', async (t) => {
  const { prosody, stage, node } = await setUp(t);
  const app = await XmppClient.login(prosody.clients, '2001', DOMAIN);
  await enable(app, node);
  await app.close();
  await prosody.stop();
  await stage.callwake.logged('xmpp connection lost');
  await prosody.restart();
  await prosody.says(/External component successfully authenticated/);
  const bob = await XmppClient.login(prosody.clients, '2002', DOMAIN);
  bob.message(`2001@${DOMAIN}`, 'still there?');
  await stage.apple.waitFor(1);
  t.like(stage.apple.received[0]?.payload, { aps: { alert: { body: 'still there?' } } });
  await bob.close();
});

test.serial('an unknown node and a wrong secret: the server gives the node up, nobody is pushed', async (t) => {
  const { prosody, stage, node } = await setUp(t);
  const app = await XmppClient.login(prosody.clients, '2001', DOMAIN);
  await enable(app, { ...node, node: `${node.node.slice(0, -4)}AAAA` });
  await enable(app, { ...node, secret: 'guessed' });
  await app.close();
  const bob = await XmppClient.login(prosody.clients, '2002', DOMAIN);
  bob.message(`2001@${DOMAIN}`, 'psst');
  await prosody.says(/Got error <cancel:item-not-found:there is no such node>/);
  await prosody.says(/Got error <auth:not-authorized:the secret is wrong>/);
  await prosody.says(/(Disabling push notifications for identifier[\s\S]*){2}/);
  t.is(stage.apple.total, 0);
  t.deepEqual(
    stage.callwake.log
      .filter(({ event }) => event === 'xmpp request refused')
      .map(({ condition }) => condition)
      .sort(),
    ['item-not-found', 'not-authorized'],
  );
  await bob.close();
});

test.serial('an app without a token any more: item-not-found, so that the server asks no more', async (t) => {
  const { prosody, stage, node } = await setUp(t);
  stage.apple.unregisterToken(ALERT);
  const app = await XmppClient.login(prosody.clients, '2001', DOMAIN);
  await enable(app, node);
  await app.close();
  const bob = await XmppClient.login(prosody.clients, '2002', DOMAIN);
  bob.message(`2001@${DOMAIN}`, 'hello?');
  await prosody.says(/Got error <cancel:item-not-found:the device has no token for alerts any more>/);
  t.is((await stage.callwake.logged('xmpp notification')).outcome, 'unreachable');
  await bob.close();
});

test.serial('clients discover the push service, and may not publish', async (t) => {
  const { prosody, stage, node } = await setUp(t);
  const app = await XmppClient.login(prosody.clients, '2001', DOMAIN);
  const other = await stage.phone({ user: '2002' });
  t.throws(
    () => nodeTold(other.messages.map(({ message }) => message)),
    { message: /told no node/ },
    'no token for alerts',
  );
  const info = await app.iq('get', xml('query', { xmlns: 'http://jabber.org/protocol/disco#info' }), COMPONENT);
  const query = info.getChild('query');
  t.like(query?.getChild('identity')?.attrs, { category: 'pubsub', type: 'push' });
  t.true(query?.getChildren('feature').some(({ attrs }) => attrs.var === NS_PUSH));
  const notification = xml(
    'notification',
    { xmlns: NS_PUSH },
    form('urn:xmpp:push:summary', { 'last-message-body': 'x' }),
  );
  const publish = xml(
    'pubsub',
    { xmlns: 'http://jabber.org/protocol/pubsub' },
    xml('publish', { node: node.node }, xml('item', {}, notification)),
    xml('publish-options', {}, form(OPTIONS, { secret: node.secret })),
  );
  const refused = await app.iq('set', publish, COMPONENT);
  t.truthy(refused.getChild('error')?.getChild('forbidden'));
  t.is(stage.apple.total, 0);
  await app.close();
});

test.serial('the server does not take the secret: the log says why, and calls are not affected', async (t) => {
  const prosody = await startProsody(t);
  const stage = await stageFor(t, { edge: 'path', config: xmppAt(prosody, 'not-the-secret') });
  const line = await stage.callwake.logged('xmpp connection lost');
  t.regex(String(line.why), /not-authorized/);
  const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  t.is((await call.answered).status, 200);
  await call.hangup();
  t.false(JSON.stringify(stage.callwake.log).includes('not-the-secret'));
});

const OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options';

async function setUp(t: ExecutionContext): Promise<Scene> {
  const prosody = await startProsody(t);
  const stage = await stageFor(t, { edge: 'path', config: xmppAt(prosody, SECRET) });
  await prosody.says(/External component successfully authenticated/);
  const phone = await stage.phone({ alertToken: ALERT });
  await phone.background();
  return { prosody, stage, phone, node: nodeTold(phone.messages.map(({ message }) => message)) };
}

async function startProsody(t: ExecutionContext): Promise<Prosody> {
  const users = ['2001', '2002'];
  const prosody = await Prosody.start({
    domain: DOMAIN,
    component: COMPONENT,
    secret: SECRET,
    users,
    settings: TALKATIVE,
  });
  t.teardown(() => prosody.close());
  return prosody;
}

function xmppAt(prosody: Prosody, secret: string): Record<string, unknown> {
  return { xmpp: { port: prosody.components, domain: COMPONENT, secret } };
}

/** As docs/xmpp.md tells app developers: `X-XMPP-Push: <jid>;node=<node>;secret=<secret>` in the 200 to REGISTER. */
function nodeTold(messages: readonly SipMessage[]): Scene['node'] {
  for (const message of messages.toReversed()) {
    const told = message.kind === 'response' ? message.get('X-XMPP-Push') : undefined;
    const [, jid, node, secret] = /^([^;]+);node=([\w-]+);secret=([\w-]+)$/.exec(told ?? '') ?? [];
    if (jid && node && secret) return { jid, node, secret };
  }
  throw new Error('the phone was told no node');
}

/** XEP-0357 section 5. */
function enable(app: XmppClient, { jid, node, secret }: Scene['node']): Promise<Element> {
  return app.iq('set', xml('enable', { xmlns: NS_PUSH, jid, node }, form(OPTIONS, { secret })));
}

function form(type: string, fields: Readonly<Record<string, string>>): Element {
  const field = (name: string, value: string): Element => xml('field', { var: name }, xml('value', {}, value));
  return xml(
    'x',
    { xmlns: 'jabber:x:data', type: 'submit' },
    field('FORM_TYPE', type),
    ...Object.entries(fields).map(([name, value]) => field(name, value)),
  );
}
