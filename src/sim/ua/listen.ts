import type { Endpoint, TlsSettings, TransportLayer } from './stack.js';

const TRIES = 10;

/**
 * Listens with every transport on one port; with port 0 tries again when the port that the first one got is taken for another.
 * Rejects with what Node says when the address can't be bound.
 */
export async function listenOnSamePort(
  transport: TransportLayer,
  address: string,
  port: number,
  protocols: readonly ('udp' | 'tcp' | 'tls')[],
  tls?: TlsSettings,
): Promise<Endpoint> {
  const [first, ...others] = protocols;
  const secured = tls === undefined ? {} : { tls };
  if (!first) throw new Error('nothing to listen on');
  for (let attempt = 1; ; attempt++) {
    const listener = await transport.listen({ protocol: first, address, port, ...secured });
    try {
      for (const protocol of others) {
        await transport.listen({ protocol, address, port: listener.local.port, ...secured });
      }
      return listener.local;
    } catch (error) {
      await listener.close();
      if (port !== 0 || attempt === TRIES) throw error;
    }
  }
}
