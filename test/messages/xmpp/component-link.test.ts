import { type Element, xml } from '@xmpp/component';
import test, { type ExecutionContext } from 'ava';
import { ComponentLink } from '../../../src/messages/xmpp/component-link.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ComponentServer } from './server.js';

/** A link to that server, under a clock that stands still. */
class Scene {
  readonly clock = new FakeClock();
  readonly stanzas: Element[] = [];
  readonly offline: { readonly why: string; readonly retryMs: number }[] = [];
  online = 0;
  readonly link: ComponentLink;
  #wake = (): void => {};

  constructor(t: ExecutionContext, port: number) {
    this.link = new ComponentLink({
      host: '127.0.0.1',
      port,
      domain: 'push.corp.example',
      secret: 'secret',
      bounds: { maxStanza: 100_000, maxDepth: 16 },
      clock: this.clock,
      random: () => 0.5,
      onStanza: (stanza) => {
        this.stanzas.push(stanza);
        this.#wake();
      },
      onOnline: () => {
        this.online++;
        this.#wake();
      },
      onOffline: (why, retryMs) => {
        this.offline.push({ why, retryMs });
        this.#wake();
      },
    });
    t.teardown(() => this.link.close());
    this.link.start();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lets the time until the next attempt go by. */
  retry(): void {
    this.clock.advance(this.offline.at(-1)?.retryMs ?? 0);
  }
}

async function scene(t: ExecutionContext, takes = true): Promise<{ server: ComponentServer; at: Scene }> {
  const server = await ComponentServer.start({ takes });
  t.teardown(() => server.close());
  const at = new Scene(t, server.port);
  if (takes) await at.until(() => at.online === 1);
  return { server, at };
}

test('nobody listens: tried again after longer and longer times, at most a minute, and at once when somebody does', async (t) => {
  const gone = await ComponentServer.start();
  await gone.close();
  const at = new Scene(t, gone.port);
  for (let tries = 1; tries <= 8; tries++) {
    await at.until(() => at.offline.length === tries);
    if (tries < 8) at.retry();
  }
  t.deepEqual(
    at.offline.map(({ retryMs }) => retryMs),
    [1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000],
  );
  t.regex(at.offline[0]?.why ?? '', /ECONNREFUSED/);
  const server = await ComponentServer.start({ port: gone.port });
  t.teardown(() => server.close());
  at.retry();
  await at.until(() => at.online === 1);
  t.true(at.link.online);
});

test('a server that ends the connection at once each time is not hammered; one that held is tried soon', async (t) => {
  const { server, at } = await scene(t);
  for (let times = 1; times <= 4; times++) {
    server.cut();
    await at.until(() => at.offline.length === times);
    at.retry();
    await at.until(() => at.online === times + 1);
  }
  at.clock.advance(30_000);
  server.cut();
  await at.until(() => at.offline.length === 5);
  t.deepEqual(
    at.offline.map(({ retryMs }) => retryMs),
    [1500, 3000, 6000, 12_000, 1500],
  );
});

test('a server that says nothing is left after 10 s', async (t) => {
  const { server, at } = await scene(t, false);
  await server.until(() => server.got.includes('<stream:stream'));
  at.clock.advance(10_000);
  await at.until(() => at.offline.length === 1);
  t.is(at.offline[0]?.why, 'no answer to the handshake');
});

test('a silent server is asked by ping, and left when it does not answer', async (t) => {
  const { server, at } = await scene(t);
  at.clock.advance(60_000);
  await server.until(() => server.got.includes('urn:xmpp:ping'));
  server.write("<iq type='result' id='ping-1' from='push.corp.example' to='push.corp.example'/>");
  await at.until(() => at.stanzas.length === 1);
  at.clock.advance(15_000);
  at.clock.advance(60_000);
  await server.until(() => server.got.includes('ping-2'));
  t.is(at.offline.length, 0);
  at.clock.advance(15_000);
  await at.until(() => at.offline.length === 1);
  t.is(at.offline[0]?.why, 'no answer to a ping');
});

test('text that is cut inside a character', async (t) => {
  const { server, at } = await scene(t);
  const bytes = Buffer.from('<message><body>Grüße 🙂</body></message>');
  for (const byte of bytes) {
    server.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await at.until(() => at.stanzas.length === 1);
  t.is(at.stanzas[0]?.getChild('body')?.getText(), 'Grüße 🙂');
});

test('whatever a server sends ends the connection at most', async (t) => {
  const { server, at } = await scene(t);
  const sent = [
    '</stream:stream> and more </x>',
    '<iq></message>',
    '<iq from="@" to="x"><a>&#0;</a></iq><',
    `<iq>${'<a>'.repeat(20)}`,
    `<iq>${'x'.repeat(200_000)}`,
    "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:1</see-other-host></stream:error>",
  ];
  for (const [index, text] of sent.entries()) {
    server.write(text);
    server.write(text);
    if (index === 2) server.cut();
    await at.until(() => at.offline.length === index + 1);
    at.retry();
    await at.until(() => at.online === index + 2);
  }
  t.is(at.offline[5]?.why.includes('conflict'), true, at.offline[5]?.why);
  t.false(at.offline.some(({ why }) => why.includes('secret')));
});

test('a server that does not read is left', async (t) => {
  const { server, at } = await scene(t);
  server.pause();
  const stanza = xml('iq', { type: 'result', id: 'x'.repeat(50_000), to: 'corp.example' });
  for (let i = 0; i < 10_000 && at.offline.length === 0; i++) {
    at.link.send(stanza);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is(at.offline[0]?.why, 'it does not read');
});

test('closing ends the stream, and whatever is under way', async (t) => {
  const { server, at } = await scene(t);
  const closed = at.link.close();
  await server.until(() => server.got.includes('</stream:stream>'));
  server.write('</stream:stream>');
  await closed;
  const silent = await scene(t, false);
  await silent.server.until(() => silent.server.got !== '');
  await silent.at.link.close();
  t.is(at.clock.pending + silent.at.clock.pending, 0);
  t.is(at.offline.length + silent.at.offline.length, 0);
});
