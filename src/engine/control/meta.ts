import type { Flow } from '../transport/index.js';
import type { Meta } from './wire.js';

/** Of a message that came in over a flow. */
export function networkMeta(flow: Flow, text: Buffer, time: number): Meta {
  const { address, port } = flow.remote;
  return { source: 'network', bytes: text.length, protocol: flow.protocol, address, port, time };
}

/** Of a message that was sent back over a flow. */
export function peerMeta(flow: Flow, text: Buffer, time: number): Meta {
  const { address, port } = flow.remote;
  return { source: 'application', bytes: text.length, protocol: flow.protocol, address, port, time };
}

/** Of a message that was made here and went nowhere, or nowhere known. */
export function applicationMeta(text: Buffer, time: number): Meta {
  return { source: 'application', bytes: text.length, protocol: 'udp', address: '127.0.0.1', port: 5060, time };
}
