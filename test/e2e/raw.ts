import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import type { Stage } from '../../src/demo/stage.js';
import type { SipResponse } from '../../src/engine/message/index.js';
import { MessageLog } from '../../src/sim/ua/message-log.js';
import { UserAgent } from '../../src/sim/ua/user-agent.js';

export interface RawRegister {
  readonly contacts: readonly string[];
  readonly aor?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly callId?: string;
  readonly cseq?: number;
}

/** Something that sends REGISTERs of any shape. */
export interface RawClient {
  readonly port: number;
  register(request: RawRegister): Promise<SipResponse>;
}

export async function rawClient(
  t: ExecutionContext,
  { sip, tls }: Pick<Stage, 'sip' | 'tls'>,
  credentials?: { username: string; password: string },
): Promise<RawClient> {
  const ua = await UserAgent.start({
    clock: systemClock,
    address: '127.0.0.1',
    port: 0,
    listen: ['udp', 'tcp'],
    log: new MessageLog(systemClock),
    outbound: sip,
    tls,
    name: 'raw',
    contact: () => '<sip:raw@127.0.0.1>',
    decorate: () => {},
    onInvite: (call) => call.reject(486),
    onRequest: () => ({ status: 200 }),
    onFault: () => {},
    ...(credentials === undefined ? {} : { credentials }),
  });
  t.teardown(() => ua.close());
  let cseq = 0;
  return {
    port: ua.local.port,
    register({ contacts, aor = 'sip:2001@corp.example', headers = [], callId, cseq: number }) {
      const request = ua.newRequest('REGISTER', 'sip:corp.example', `<${aor}>`, `<${aor}>`);
      if (callId !== undefined) request.set('Call-ID', callId);
      cseq = number ?? cseq + 1;
      request.set('CSeq', `${cseq} REGISTER`);
      for (const contact of contacts) request.add('Contact', contact);
      for (const [name, value] of headers) request.add(name, value);
      return ua.send(request, () => ++cseq);
    },
  };
}
