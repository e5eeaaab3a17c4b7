import { once } from 'node:events';
import { connect } from 'node:tls';
import test from 'ava';
import { Bench } from './support/srf.js';
import { certificates, type Pair } from './transport/support.js';

test('the app sees whose certificate a request came with, and nobody can claim one', async (t) => {
  const { ca, of } = certificates(t, ['sip.example', 'edge.example']);
  const tls = { ...of('sip.example'), ca, requestClientCertificate: true };
  const bench = await Bench.start(t, { contacts: ['sips:127.0.0.1:0;transport=tls'], tls });
  await bench.srf((srf) => {
    srf.use('options', (req, res) => res.send(200, { headers: { 'X-Saw': req.get('X-TLS-Peer') ?? 'nobody' } }));
  });

  const seen = async (pair?: Pair): Promise<string | undefined> => {
    const socket = connect({ host: '127.0.0.1', port: bench.port, ca, servername: 'sip.example', ...pair });
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    const lines = [
      'OPTIONS sip:127.0.0.1 SIP/2.0',
      `Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK${pair ? 1 : 2}`,
      'From: <sip:a@example.com>;tag=1',
      'To: <sip:b@example.com>',
      `Call-ID: ${pair ? 'with' : 'without'}`,
      'CSeq: 1 OPTIONS',
      'X-TLS-Peer: "forged.example"',
      'Content-Length: 0',
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    for (let text = ''; ; ) {
      text += String((await once(socket, 'data'))[0]);
      const saw = /^X-Saw: (.*)\r$/m.exec(text);
      if (saw) return saw[1];
    }
  };
  t.regex((await seen(of('edge.example'))) ?? '', /^"edge\.example";until=\d{10}$/);
  t.is(await seen(), 'nobody');
});
