import test from 'ava';
import { OutgoingRequest } from '../../../src/engine/dialog/outgoing.js';
import { createResponse, SipRequest } from '../../../src/engine/message/index.js';
import { settle } from '../../support/fake-clock.js';
import { outbound } from '../transaction/fake-transport.js';
import { start, TARGET } from '../transaction/layer-support.js';
import { holds, type Outcome } from './table.js';

/** An INVITE that has two servers to go to (RFC 3263 section 4.3). */
class Attempts {
  readonly world = start({ passTrying: true });
  readonly #told: string[] = [];
  readonly #outgoing: OutgoingRequest;
  #seen = 0;

  constructor(method = 'INVITE') {
    this.#outgoing = new OutgoingRequest(this.world.layer, outbound(method), () => undefined, {
      onResponse: (response, flow) => this.#told.push(`${response.status}${flow ? '' : ' made here'}`),
    });
    this.#outgoing.start([TARGET, { ...TARGET, host: '192.0.2.3' }]);
  }

  async answered(status: number): Promise<void> {
    const sent = this.world.transport.sent.findLast(
      ({ message }) => message instanceof SipRequest && message.method === 'INVITE',
    )?.message;
    if (!(sent instanceof SipRequest)) throw new Error('nothing was sent');
    this.world.transport.receive(createResponse(sent, status, undefined, 'peer'));
    await settle();
  }

  async cancel(): Promise<void> {
    this.#outgoing.cancel();
    await settle();
  }

  async unreachable(): Promise<void> {
    const host = this.world.transport.sent.at(-1)?.target.host ?? '';
    this.world.transport.refuse({ address: host, port: 5060 });
    await settle();
  }

  async lose(): Promise<void> {
    this.#outgoing.lose();
    await settle();
  }

  wait(ms: number): Promise<void> {
    return this.world.clock.advanceAsync(ms);
  }

  take(): Outcome {
    const sent = this.world.transport.sent.slice(this.#seen);
    this.#seen += sent.length;
    const wire = sent.map(({ message, target }) =>
      message instanceof SipRequest ? `${message.method} to ${target.host}` : '',
    );
    const state = this.#outgoing.finished ? 'finished' : this.#outgoing.cancelled ? 'cancelled' : 'under way';
    return { wire: [...new Set(wire)].join(', '), told: this.#told.splice(0).join(', '), state };
  }
}

const events = {
  'server: 100': (one: Attempts) => one.answered(100),
  'server: 180': (one: Attempts) => one.answered(180),
  'server: 200': (one: Attempts) => one.answered(200),
  'server: 486': (one: Attempts) => one.answered(486),
  'server: 503': (one: Attempts) => one.answered(503),
  'nobody listens there': (one: Attempts) => one.unreachable(),
  'the connection is lost': (one: Attempts) => one.lose(),
  'user: CANCEL': (one: Attempts) => one.cancel(),
  'Timer B passes': (one: Attempts) => one.wait(64 * 500),
};

const first = async (): Promise<Attempts> => {
  const one = new Attempts();
  await settle();
  return one;
};

const after =
  (event: (one: Attempts) => Promise<void>, before = first) =>
  async (): Promise<Attempts> => {
    const one = await before();
    await event(one);
    return one;
  };

const trying = after((one) => one.answered(100));
const ringing = after((one) => one.answered(180));
const second = after((one) => one.answered(503));
const cancelled = after((one) => one.cancel());
const finished = after((one) => one.answered(486));
test('First server, no answer yet', (t) =>
  holds(t, first, events, [
    ['server: 100', '', '', 'under way'],
    ['server: 180', '', '180', 'under way'],
    ['server: 200', '', '200', 'finished'],
    ['server: 486', 'ACK to 192.0.2.2', '486', 'finished'],
    ['server: 503', 'ACK to 192.0.2.2, INVITE to 192.0.2.3', '', 'under way'],
    ['nobody listens there', 'INVITE to 192.0.2.3', '', 'under way'],
    ['the connection is lost', '', '503 made here', 'finished'],
    ['user: CANCEL', '', '', 'cancelled'],
    ['Timer B passes', 'INVITE to 192.0.2.2, INVITE to 192.0.2.3', '', 'under way'],
  ]));

test('First server, 100 came: only a 503 leads to the next', (t) =>
  holds(t, trying, events, [
    ['server: 100', '', '', 'under way'],
    ['server: 180', '', '180', 'under way'],
    ['server: 200', '', '200', 'finished'],
    ['server: 486', 'ACK to 192.0.2.2', '486', 'finished'],
    ['server: 503', 'ACK to 192.0.2.2, INVITE to 192.0.2.3', '', 'under way'],
    ['nobody listens there', '', '503 made here', 'finished'],
    ['the connection is lost', 'CANCEL to 192.0.2.2', '503 made here', 'finished'],
    ['user: CANCEL', 'CANCEL to 192.0.2.2', '', 'cancelled'],
    ['Timer B passes', '', '', 'under way'],
  ]));

test('First server, 180 came: there is no other any more', (t) =>
  holds(t, ringing, events, [
    ['server: 100', '', '', 'under way'],
    ['server: 180', '', '180', 'under way'],
    ['server: 200', '', '200', 'finished'],
    ['server: 486', 'ACK to 192.0.2.2', '486', 'finished'],
    ['server: 503', 'ACK to 192.0.2.2', '503', 'finished'],
    ['nobody listens there', '', '', 'under way'],
    ['the connection is lost', 'CANCEL to 192.0.2.2', '503 made here', 'finished'],
    ['user: CANCEL', 'CANCEL to 192.0.2.2', '', 'cancelled'],
    ['Timer B passes', '', '', 'under way'],
  ]));

test('Second and last server, no answer yet', (t) =>
  holds(t, second, events, [
    ['server: 100', '', '', 'under way'],
    ['server: 180', '', '180', 'under way'],
    ['server: 200', '', '200', 'finished'],
    ['server: 486', 'ACK to 192.0.2.3', '486', 'finished'],
    ['server: 503', 'ACK to 192.0.2.3', '503', 'finished'],
    ['nobody listens there', '', '503 made here', 'finished'],
    ['the connection is lost', '', '503 made here', 'finished'],
    ['user: CANCEL', '', '', 'cancelled'],
    ['Timer B passes', 'INVITE to 192.0.2.3', '408 made here', 'finished'],
  ]));

test('Cancelled before any answer: CANCEL leaves with the first sign of life, no other server is tried', (t) =>
  holds(t, cancelled, events, [
    ['server: 100', 'CANCEL to 192.0.2.2', '', 'cancelled'],
    ['server: 180', 'CANCEL to 192.0.2.2', '180', 'cancelled'],
    ['server: 200', '', '200', 'finished'],
    ['server: 486', 'ACK to 192.0.2.2', '486', 'finished'],
    ['server: 503', 'ACK to 192.0.2.2', '503', 'finished'],
    ['nobody listens there', '', '487 made here', 'finished'],
    ['the connection is lost', '', '487 made here', 'finished'],
    ['user: CANCEL', '', '', 'cancelled'],
    ['Timer B passes', 'INVITE to 192.0.2.2', '487 made here', 'finished'],
  ]));

test('Finished', (t) =>
  holds(t, finished, events, [
    ['server: 100', '', '', 'finished'],
    ['server: 180', '', '', 'finished'],
    ['server: 200', '', '', 'finished'],
    ['server: 486', 'ACK to 192.0.2.2', '', 'finished'],
    ['server: 503', 'ACK to 192.0.2.2', '', 'finished'],
    ['nobody listens there', '', '', 'finished'],
    ['the connection is lost', '', '', 'finished'],
    ['user: CANCEL', '', '', 'finished'],
    ['Timer B passes', '', '', 'finished'],
  ]));
