import test from 'ava';
import type { SipRequest } from '../../../src/engine/message/index.js';
import { SDP } from '../support/peer.js';
import { Bench, type SrfDialog } from '../support/srf.js';

test('beyond capacity new work of every kind gets 503 with Retry-After, calls in progress go on', async (t) => {
  const bench = await Bench.start(t, { load: { pending: 5 } });
  await bench.srf((srf) => {
    srf.invite((req, res) => {
      if (!req.uri.includes('good')) return;
      srf.createUAS(req, res, { localSdp: SDP }).then(
        (dialog: SrfDialog) => {
          dialog.on('modify', (_req: unknown, answer: { send(status: number, options: object): void }) =>
            answer.send(200, { body: SDP }),
          );
        },
        () => undefined,
      );
    });
    for (const method of ['register', 'message', 'options']) srf.use(method, (_req, res) => res.send(200));
  });
  const caller = await bench.udp();
  const call = caller.request('INVITE', bench.uri('good'), { body: SDP });
  caller.send(call, bench.port);
  const ok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', call, ok), bench.port);

  const held: SipRequest[] = [];
  for (let i = 0; i < 5; i++) {
    const invite = caller.request('INVITE', bench.uri('held'), { body: SDP });
    held.push(invite);
    caller.send(invite, bench.port);
    await caller.next((message) => message.kind === 'response' && message.callId === invite.callId);
  }
  for (const method of ['INVITE', 'REGISTER', 'MESSAGE', 'SUBSCRIBE']) {
    caller.send(caller.request(method, bench.uri()), bench.port);
    const refused = await caller.nextResponse(503, method);
    t.regex(refused.get('retry-after') ?? '', /^\d+$/, method);
    t.truthy(refused.toTag, method);
  }

  const again = caller.inDialog('INVITE', call, ok, { body: SDP });
  caller.send(again, bench.port);
  const reok = await caller.nextResponse(200, 'INVITE');
  caller.send(caller.inDialog('ACK', again, reok), bench.port);
  caller.send(caller.inDialog('BYE', call, ok, { cseq: again.cseq.number + 1 }), bench.port);
  t.is((await caller.nextResponse(200, 'BYE')).status, 200);

  const [first] = held;
  if (!first) throw new Error('nothing is held');
  const cancel = caller.request('CANCEL', first.uri, {
    callId: first.callId,
    from: first.get('from') ?? '',
    branch: first.via.branch ?? '',
  });
  caller.send(cancel, bench.port);
  await caller.nextResponse(200, 'CANCEL');
  await caller.nextResponse(487, 'INVITE');
  caller.send(caller.request('REGISTER', bench.uri()), bench.port);
  t.is((await caller.nextResponse(200, 'REGISTER')).status, 200, 'there is room again');
});
