import test from 'ava';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { ProxyLayer } from '../../../src/engine/proxy/proxy-layer.js';
import { RecordRoutes } from '../../../src/engine/proxy/record-route.js';
import { settle } from '../../support/fake-clock.js';
import { request, type Setup, setup } from '../dialog/support.js';
import { holds, type Outcome } from '../dialog/table.js';

const TIMER_C = 40_000;
const SECRET = 's';

/** A re-INVITE in a dialog that the proxy is in the path of, on its way to the callee. */
class Relayed {
  readonly world: Setup = setup();
  #invite: SipRequest | undefined;

  constructor(maxForwards = 70) {
    const { clock, layer, transport } = this.world;
    layer.bypass = new ProxyLayer({ clock, dialogs: layer, listeners: () => [], secret: SECRET, timerC: TIMER_C });
    const text = this.#inDialog('INVITE', 'z9hG4bKinvite');
    transport.receive(text.replace('Max-Forwards: 70', `Max-Forwards: ${maxForwards}`));
  }

  receive(method: string, branch?: string): void {
    this.world.transport.receive(this.#inDialog(method, branch));
  }

  async answered(status: number): Promise<void> {
    this.#remember();
    if (!this.#invite) throw new Error('the INVITE was not passed on');
    this.world.transport.receive(createResponse(this.#invite, status).toString());
    await settle();
  }

  wait(ms: number): Promise<void> {
    return this.world.clock.advanceAsync(ms);
  }

  take(): Outcome {
    this.#remember();
    const wire = this.world.transport.sent
      .splice(0)
      .map((message) => (message instanceof SipRequest ? message.method : `${message.status} ${message.cseq.method}`));
    const { user, layer } = this.world;
    return {
      wire: [...new Set(wire)].join(', '),
      told: user.log.splice(0).join(', '),
      state: `${layer.dialogs.size} dialogs`,
    };
  }

  /** With the Route that the proxy gave the caller when the dialog was made. */
  #inDialog(method: string, branch?: string): string {
    const parts = { toTag: 'bob', ...(branch === undefined ? {} : { branch }) };
    const initial = new SipRequest('INVITE', 'sip:bob@192.0.2.9').set('Call-ID', 'call-1');
    const here = { protocol: 'udp', host: '192.0.2.1', port: 5060 } as const;
    new RecordRoutes(SECRET).add(initial, here, here);
    return request(method, { ...parts, headers: `Route: ${initial.get('record-route')}\n` });
  }

  #remember(): void {
    for (const message of this.world.transport.sent)
      if (message instanceof SipRequest && message.method === 'INVITE') this.#invite = message;
  }
}

const events = {
  'callee: 100': (one: Relayed) => one.answered(100),
  'callee: 180': (one: Relayed) => one.answered(180),
  'callee: 200': (one: Relayed) => one.answered(200),
  'callee: 488': (one: Relayed) => one.answered(488),
  'caller: CANCEL': (one: Relayed) => one.receive('CANCEL', 'z9hG4bKinvite'),
  'caller: ACK': (one: Relayed) => one.receive('ACK'),
  'caller: BYE': (one: Relayed) => one.receive('BYE'),
  'Timer C passes': (one: Relayed) => one.wait(TIMER_C),
};

const passedOn = (): Relayed => new Relayed();

const ringing = async (): Promise<Relayed> => {
  const one = passedOn();
  await settle();
  await one.answered(180);
  return one;
};

const answered = async (): Promise<Relayed> => {
  const one = await ringing();
  await one.answered(200);
  return one;
};

const failed = async (): Promise<Relayed> => {
  const one = await ringing();
  await one.answered(488);
  return one;
};
test('A re-INVITE was passed on, no answer yet', (t) =>
  holds(t, passedOn, events, [
    ['callee: 100', '', '', '0 dialogs'],
    ['callee: 180', '180 INVITE', '', '0 dialogs'],
    ['callee: 200', '200 INVITE', '', '0 dialogs'],
    ['callee: 488', 'ACK, 488 INVITE', '', '0 dialogs'],
    ['caller: CANCEL', '200 CANCEL', '', '0 dialogs'],
    ['caller: ACK', 'ACK', '', '0 dialogs'],
    ['caller: BYE', 'BYE', '', '0 dialogs'],
    ['Timer C passes', 'INVITE, 408 INVITE', '', '0 dialogs'],
  ]));

test('A re-INVITE was passed on, 180 came', (t) =>
  holds(t, ringing, events, [
    ['callee: 100', '', '', '0 dialogs'],
    ['callee: 180', '180 INVITE', '', '0 dialogs'],
    ['callee: 200', '200 INVITE', '', '0 dialogs'],
    ['callee: 488', 'ACK, 488 INVITE', '', '0 dialogs'],
    ['caller: CANCEL', '200 CANCEL, CANCEL', '', '0 dialogs'],
    ['caller: ACK', 'ACK', '', '0 dialogs'],
    ['caller: BYE', 'BYE', '', '0 dialogs'],
    ['Timer C passes', 'CANCEL', '', '0 dialogs'],
  ]));

test('A re-INVITE was answered with 200: repetitions go upstream too', (t) =>
  holds(t, answered, events, [
    ['callee: 100', '', '', '0 dialogs'],
    ['callee: 180', '', '', '0 dialogs'],
    ['callee: 200', '200 INVITE', '', '0 dialogs'],
    ['callee: 488', '', '', '0 dialogs'],
    ['caller: CANCEL', '200 CANCEL', '', '0 dialogs'],
    ['caller: ACK', 'ACK', '', '0 dialogs'],
    ['caller: BYE', 'BYE', '', '0 dialogs'],
    ['Timer C passes', '', '', '0 dialogs'],
  ]));

test('A re-INVITE was refused', (t) =>
  holds(t, failed, events, [
    ['callee: 100', '', '', '0 dialogs'],
    ['callee: 180', '', '', '0 dialogs'],
    ['callee: 200', '', '', '0 dialogs'],
    ['callee: 488', 'ACK', '', '0 dialogs'],
    ['caller: CANCEL', '200 CANCEL', '', '0 dialogs'],
    ['caller: ACK', 'ACK', '', '0 dialogs'],
    ['caller: BYE', 'BYE', '', '0 dialogs'],
    ['Timer C passes', '488 INVITE', '', '0 dialogs'],
  ]));

test('Timer C of a re-INVITE starts anew with each 101 to 199, and not with a 100 (RFC 3261 16.7)', async (t) => {
  const one = await ringing();
  for (const status of [180, 183]) {
    await one.wait(TIMER_C - 1);
    one.take();
    await one.answered(status);
    t.is(one.take().wire, `${status} INVITE`);
  }
  await one.wait(TIMER_C - 1);
  await one.answered(100);
  t.is(one.take().wire, '');
  await one.wait(1);
  t.is(one.take().wire, 'CANCEL');
});

test('hops used up: 483, nothing is passed on', (t) => {
  t.deepEqual(new Relayed(0).take(), { wire: '100 INVITE, 483 INVITE', told: '', state: '0 dialogs' });
});
