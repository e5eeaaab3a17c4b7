import test from 'ava';
import { Subscription } from './subscription.js';
import { holds } from './table.js';

/** The minute that a subscription lasts, and the time that is left for the last NOTIFY. */
const EXPIRY = 60_000 + 64_000;

const subscribing = (): Promise<Subscription> => new Subscription().subscribe();

const notified = async (): Promise<Subscription> => {
  const one = await subscribing();
  one.notify('active;expires=60');
  one.reply(200);
  return one;
};

const accepted = async (): Promise<Subscription> => {
  const one = await subscribing();
  one.answered('SUBSCRIBE', 202);
  return one;
};

const subscriber = {
  'peer: 202 to SUBSCRIBE': (one: Subscription) => one.answered('SUBSCRIBE', 202),
  'peer: 489 to SUBSCRIBE': (one: Subscription) => one.answered('SUBSCRIBE', 489),
  'peer: NOTIFY active': (one: Subscription) => one.notify('active;expires=60'),
  'peer: NOTIFY terminated': (one: Subscription) => one.notify('terminated'),
  'peer: NOTIFY terminated, user: 200': (one: Subscription) => {
    one.notify('terminated;reason=timeout');
    one.reply(200);
  },
  'it expires': (one: Subscription) => one.wait(EXPIRY),
};

test('Subscriber, no answer yet', (t) =>
  holds(t, subscribing, subscriber, [
    ['peer: 202 to SUBSCRIBE', '', '202', 'confirmed'],
    ['peer: 489 to SUBSCRIBE', '', '489', 'none'],
    ['peer: NOTIFY active', '', 'NOTIFY, dialog', 'confirmed'],
    ['peer: NOTIFY terminated', '', 'NOTIFY, dialog', 'confirmed'],
    ['peer: NOTIFY terminated, user: 200', '200 NOTIFY', 'NOTIFY, dialog, end', 'terminated'],
    [
      'it expires',
      'SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE',
      '408',
      'none',
    ],
  ]));

test('Subscriber, notified', (t) =>
  holds(t, notified, subscriber, [
    ['peer: 202 to SUBSCRIBE', '', '202', 'confirmed'],
    ['peer: 489 to SUBSCRIBE', '', '489', 'confirmed'],
    ['peer: NOTIFY active', '', 'NOTIFY', 'confirmed'],
    ['peer: NOTIFY terminated', '', 'NOTIFY', 'confirmed'],
    ['peer: NOTIFY terminated, user: 200', '200 NOTIFY', 'NOTIFY, end', 'terminated'],
    [
      'it expires',
      'SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE, SUBSCRIBE',
      '408, end',
      'terminated',
    ],
  ]));

test('Subscriber, accepted', (t) =>
  holds(t, accepted, subscriber, [
    ['peer: 202 to SUBSCRIBE', '', '', 'confirmed'],
    ['peer: 489 to SUBSCRIBE', '', '', 'confirmed'],
    ['peer: NOTIFY active', '', 'NOTIFY', 'confirmed'],
    ['peer: NOTIFY terminated', '', 'NOTIFY', 'confirmed'],
    ['peer: NOTIFY terminated, user: 200', '200 NOTIFY', 'NOTIFY, end', 'terminated'],
    ['it expires', '', 'end', 'terminated'],
  ]));

const granted = (): Subscription => new Subscription().subscribed(202);
const notifying = async (): Promise<Subscription> => {
  const one = granted();
  await one.send('NOTIFY', [['Subscription-State', 'active;expires=60']]);
  return one;
};
const ending = async (): Promise<Subscription> => {
  const one = granted();
  await one.send('NOTIFY', [['Subscription-State', 'terminated;reason=noresource']]);
  return one;
};
const notifier = {
  'peer: SUBSCRIBE, user: 200': (one: Subscription) => {
    one.wait(59_000);
    one.receive('SUBSCRIBE', 'Expires: 60\n');
    one.reply(200);
    one.wait(EXPIRY - 1);
  },
  'user: NOTIFY': (one: Subscription) => one.send('NOTIFY', [['Subscription-State', 'active']]),
  'it expires': (one: Subscription) => one.wait(EXPIRY),
};
const answersToNotify = {
  'peer: 200': (one: Subscription) => one.answered('NOTIFY', 200),
  'peer: 481': (one: Subscription) => one.answered('NOTIFY', 481),
  'peer: 500': (one: Subscription) => one.answered('NOTIFY', 500),
};

test('Notifier, granted', (t) =>
  holds(t, granted, notifier, [
    ['peer: SUBSCRIBE, user: 200', '200 SUBSCRIBE', 'SUBSCRIBE', 'confirmed'],
    ['user: NOTIFY', 'NOTIFY', '', 'confirmed'],
    ['it expires', '', 'end', 'terminated'],
  ]));

test('Notifier, a NOTIFY is unanswered', (t) =>
  holds(t, notifying, answersToNotify, [
    ['peer: 200', '', '200', 'confirmed'],
    ['peer: 481', '', '481, end', 'terminated'],
    ['peer: 500', '', '500', 'confirmed'],
  ]));

test('Notifier, the last NOTIFY is unanswered', (t) =>
  holds(t, ending, answersToNotify, [
    ['peer: 200', '', '200, end', 'terminated'],
    ['peer: 481', '', '481, end', 'terminated'],
    ['peer: 500', '', '500, end', 'terminated'],
  ]));

test('Notifier: a SUBSCRIBE that was refused leaves nothing', (t) => {
  const one = new Subscription().subscribed(489);
  t.deepEqual(one.take(), { wire: '489 SUBSCRIBE', told: 'SUBSCRIBE', state: 'none' });
  t.is(one.world.layer.dialogs.size, 0);
});
