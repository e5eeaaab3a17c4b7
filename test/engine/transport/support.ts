import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock/clock.js';
import { type SipMessage, type SipParseError, SipRequest } from '../../../src/engine/message/index.js';
import {
  type Flow,
  type Listener,
  type ListenOptions,
  type Target,
  TransportLayer,
  type TransportLayerOptions,
} from '../../../src/engine/transport/index.js';

/** A transport layer on loopback that collects what it receives; closed when the test ends. */
export class Peer {
  readonly received: { message: SipMessage; flow: Flow }[] = [];
  readonly errors: { error: SipParseError; flow: Flow }[] = [];
  readonly closed: Flow[] = [];
  readonly log: string[] = [];
  readonly layer: TransportLayer;
  private waiting: (() => void)[] = [];

  constructor(t: ExecutionContext, options: Partial<TransportLayerOptions> = {}) {
    this.layer = new TransportLayer({ clock: systemClock, log: (text) => this.log.push(text), ...options });
    this.layer.onMessage((message, flow) => this.note(() => this.received.push({ message, flow })));
    this.layer.onParseError((error, flow) => this.note(() => this.errors.push({ error, flow })));
    this.layer.onFlowClosed((flow) => this.note(() => this.closed.push(flow)));
    t.teardown(() => this.layer.close());
  }

  listen(protocol: ListenOptions['protocol'], more: Partial<ListenOptions> = {}): Promise<Listener> {
    return this.layer.listen({ protocol, address: '127.0.0.1', port: 0, ...more });
  }

  /** Resolves when `condition` holds, looking again each time something happens. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  async next(): Promise<{ message: SipMessage; flow: Flow }> {
    await this.until(() => this.received.length > 0);
    const first = this.received.shift();
    if (!first) throw new Error('Nothing was received');
    return first;
  }

  send(message: SipMessage, target: Target): Promise<Flow> {
    return new Promise((resolve, reject) => {
      this.layer.send(message, target, (error, flow) => {
        if (flow) resolve(flow);
        else reject(error ?? new Error('Neither error nor flow'));
      });
    });
  }

  reply(...[response, flow]: [Parameters<TransportLayer['reply']>[0], Flow]): Promise<Flow> {
    return new Promise((resolve, reject) => {
      this.layer.reply(response, flow, (error, used) => {
        if (used) resolve(used);
        else reject(error ?? new Error('Neither error nor flow'));
      });
    });
  }

  private note(change: () => void): void {
    change();
    for (const wake of this.waiting.splice(0)) wake();
  }
}

export function options(via: string, callId = 'c1'): SipRequest {
  return new SipRequest('OPTIONS', 'sip:2001@corp.example')
    .add('Via', via)
    .add('Max-Forwards', '70')
    .add('From', '<sip:1001@corp.example>;tag=1')
    .add('To', '<sip:2001@corp.example>')
    .add('Call-ID', callId)
    .add('CSeq', '1 OPTIONS');
}

export function targetOf(listener: Listener, more: Partial<Target> = {}): Target {
  return { protocol: listener.protocol, host: listener.local.address, port: listener.local.port, ...more };
}

/** A plain TCP client that collects bytes. */
export class RawClient {
  readonly socket: Socket;
  text = '';
  closed = false;
  private waiting: (() => void)[] = [];

  constructor(t: ExecutionContext, port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
    t.teardown(() => this.socket.destroy());
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }
}

export interface Pair {
  key: string;
  cert: string;
}

/** A certificate authority and certificates by it, made by openssl. */
export function certificates(t: ExecutionContext, names: readonly string[]): { ca: string; of(name: string): Pair } {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: string[]) => {
    try {
      execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    } catch (error) {
      throw new Error(`openssl is needed for this test (apt-get install openssl): ${String(error)}`);
    }
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority');
  for (const name of names) {
    const san = /^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`;
    const extension = ['-addext', `subjectAltName=${san}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
    const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key'];
    openssl(
      'req',
      '-x509',
      ...key,
      ...issuer,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
      ...extension,
    );
  }
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  return { ca: read('ca.pem'), of: (name) => ({ key: read(`${name}.key`), cert: read(`${name}.pem`) }) };
}
