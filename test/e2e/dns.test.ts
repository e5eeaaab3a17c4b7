import test from 'ava';
import { dnsServer } from '../support/dns-server.js';
import { externalEngine, requestsIn, stageExactly } from './support.js';

if (externalEngine === undefined) {
  test('a trunk by its name, from engine.nameServers: calls from its addresses are taken, calls to it pass over a dead one', async (t) => {
    const dns = await dnsServer(t, {
      'cucm.corp.example': [
        ['A', '127.0.0.9'],
        ['A', '127.0.0.1'],
      ],
    });
    const stage = await stageExactly(t, {
      edge: 'direct',
      transport: 'tcp',
      peers: (cucm) => [{ ...cucm, host: 'cucm.corp.example' }],
      config: {
        engine: { contacts: ['sip:127.0.0.1:0;transport=tcp'], control: { port: 0 }, nameServers: [dns.address] },
      },
    });
    const phone = await stage.phone({ behaviour: { wakeDelayMs: 50, answerDelayMs: 50 } });
    const call = stage.cucm.call({ to: '2001' });
    await call.answered;
    await call.hangup();
    for (let left = 3; left > 0; left--) {
      const out = await phone.call('4000');
      await out.answered;
      await out.hangup();
    }
    t.is(requestsIn(stage.cucm.messages, 'INVITE').filter(({ toTag }) => toTag === undefined).length, 3);
    t.true(dns.asked.includes('A cucm.corp.example'));
    t.deepEqual(stage.faults(), []);
  });
}
