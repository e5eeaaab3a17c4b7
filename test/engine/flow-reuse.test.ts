import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock/clock.js';
import { createResponse, SipRequest } from '../../src/engine/message/index.js';
import { type Flow, type Protocol, TransportLayer } from '../../src/engine/transport/index.js';
import { makeCertificate } from '../../src/sim/tls/certificate.js';
import { Bench, deferred, type Srf } from './support/srf.js';

const certificate = makeCertificate();
/** The phone's Contact leads nowhere: whoever connects to it instead of using the phone's own connection finds nobody. */
const CONTACT = 'sip:phone@127.0.0.1:9';

/** A phone that only keeps one connection to the engine, and answers what comes down it with 200. */
class OneConnectionPhone {
  readonly heard: string[] = [];
  readonly #transport: TransportLayer;
  #flow: Flow | undefined;

  constructor(
    t: ExecutionContext,
    readonly protocol: Protocol,
    readonly port: number,
  ) {
    this.#transport = new TransportLayer({ clock: systemClock, tls: { ca: certificate.cert } });
    t.teardown(() => this.#transport.close());
  }

  async register(): Promise<void> {
    const { protocol } = this;
    const accepted = deferred<void>();
    this.#transport.onMessage((message, flow) => {
      if (message.kind === 'response') accepted.resolve();
      else {
        this.heard.push(message.method);
        this.#transport.reply(createResponse(message, 200, undefined, 'phone'), flow);
      }
    });
    const request = new SipRequest('REGISTER', 'sip:example.com')
      .set('Via', `SIP/2.0/${protocol.toUpperCase()} host.invalid;branch=z9hG4bKreg;rport`)
      .set('From', '<sip:phone@example.com>;tag=1')
      .set('To', '<sip:phone@example.com>')
      .set('Call-ID', `register-${protocol}`)
      .set('CSeq', '1 REGISTER')
      .set('Contact', `<${CONTACT};transport=${protocol}>;expires=600`);
    this.#transport.send(request, { protocol, host: '127.0.0.1', port: this.port }, (error, flow) => {
      if (error) accepted.reject(error);
      this.#flow = flow;
    });
    await accepted.promise;
  }

  hangUp(): void {
    this.#flow?.connection?.close();
  }
}

function statusOf(srf: Srf, uri: string): Promise<number> {
  return new Promise((resolve, reject) => {
    srf.request(uri, { method: 'OPTIONS' }, (error, request) => {
      if (error) reject(error);
      else request.once('response', (response: { status: number }) => resolve(response.status));
    });
  });
}

for (const protocol of ['tcp', 'tls', 'ws', 'wss'] as const) {
  test(`a request to a Contact that registered over ${protocol} goes down that connection; once it is closed, 503 at once`, async (t) => {
    const bench = await Bench.start(t, {
      contacts: [`sip:127.0.0.1:0;transport=${protocol}`],
      tls: certificate,
    });
    const srf = await bench.srf((app) => app.register((_req, res) => res.send(200)));
    const phone = new OneConnectionPhone(t, protocol, bench.port);
    await phone.register();
    const uri = `${CONTACT};transport=${protocol}`;
    t.is(await statusOf(srf, uri), 200);
    t.deepEqual(phone.heard, ['OPTIONS']);

    phone.hangUp();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const outcome = await Promise.race([
      statusOf(srf, uri).catch((error: unknown) => (error instanceof Error ? error.message : String(error))),
      once(AbortSignal.timeout(10_000), 'abort').then(() => 'nothing for 10 s'),
    ]);
    t.regex(String(outcome), /503|closed/);
    t.deepEqual(phone.heard, ['OPTIONS']);
  });
}
