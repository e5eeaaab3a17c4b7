import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { clientTlsOptions } from './tls.js';
import type { Endpoint, Protocol, TlsSettings } from './types.js';

/** A socket on its way to `remote`; `opened` is called when it is usable, TLS included. */
export function connectSocket(
  protocol: Protocol,
  remote: Endpoint,
  serverName: string,
  tls: TlsSettings,
  opened: () => void,
): Socket {
  if (protocol === 'tls' || protocol === 'wss') {
    const socket = connectTls(clientTlsOptions(tls, remote.address, remote.port, serverName));
    socket.once('secureConnect', opened);
    return socket;
  }
  const socket = connectTcp({ host: remote.address, port: remote.port });
  socket.once('connect', opened);
  return socket;
}
