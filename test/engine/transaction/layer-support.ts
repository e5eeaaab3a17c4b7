import type { SipRequest, SipResponse } from '../../../src/engine/message/index.js';
import {
  type ClientTransactionUser,
  type ServerTransaction,
  TransactionLayer,
  type TransactionLayerOptions,
} from '../../../src/engine/transaction/index.js';
import type { Protocol, Target } from '../../../src/engine/transport/index.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeTransport } from './fake-transport.js';

export const TARGET: Target = { protocol: 'udp', host: '192.0.2.2', port: 5060 };

/** A transaction layer on a fake transport and clock, and what its user was told. */
export function start(options: Partial<TransactionLayerOptions> = {}, protocol: Protocol = 'udp') {
  const clock = new FakeClock();
  const transport = new FakeTransport(protocol);
  const requests: ServerTransaction[] = [];
  const acks: SipRequest[] = [];
  const cancels: { invite: ServerTransaction; cancel: SipRequest }[] = [];
  const strays: SipResponse[] = [];
  const user = {
    onRequest: (tx: ServerTransaction) => void requests.push(tx),
    onAck: (ack: SipRequest) => void acks.push(ack),
    onCancel: (invite: ServerTransaction, cancel: SipRequest) => void cancels.push({ invite, cancel }),
    onStrayResponse: (response: SipResponse) => void strays.push(response),
  };
  const layer = new TransactionLayer({ transport, clock, user, ...options });
  const only = (): ServerTransaction => {
    const [tx] = requests;
    if (!tx || requests.length !== 1) throw new Error(`${requests.length} requests`);
    return tx;
  };
  return { clock, transport, layer, requests, acks, cancels, strays, only };
}

/** A client transaction's user that writes down what it is told. */
export function client() {
  const events: string[] = [];
  const user: ClientTransactionUser = {
    onResponse: (response) => events.push(String(response.status)),
    onTimeout: () => events.push('timeout'),
    onTransportError: (error) => events.push(error.message),
    onEnd: () => events.push('end'),
  };
  return { events, user };
}
