import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Stage, type StageOptions } from '../../src/demo/stage.js';
import { Engine } from '../../src/engine/engine.js';
import { requestsIn } from './support.js';

const SECRET = 'cut-me';

/** Stands between the app and the engine's control port, to cut the two apart. */
class Cutter {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #shut = false;
  readonly #server = createServer((app) => {
    if (this.#shut) {
      app.on('error', () => {});
      app.resetAndDestroy();
      return;
    }
    const pair = [app, connect(this.engine, '127.0.0.1')] as const;
    this.#pairs.add(pair);
    const [one, other] = pair;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });

  constructor(readonly engine: number) {}

  /** Gives the port for the app. */
  start(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  /** Resets the connection both ways, as a firewall would. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
  }

  /** Lets nobody through until it is opened again. */
  set shut(shut: boolean) {
    this.#shut = shut;
    if (shut) this.cut();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

/** A stage whose app reaches its engine through the cutter; `cut` settles when it is connected again. */
async function cuttable(
  t: ExecutionContext,
  trunk: StageOptions['trunk'] = {},
): Promise<{ stage: Stage; cut: (meanwhile?: () => Promise<unknown>) => Promise<void> }> {
  const engine = new Engine({
    contacts: ['sip:127.0.0.1:0;transport=udp,tcp'],
    control: [{ address: '127.0.0.1', port: 0 }],
    secret: SECRET,
    successorWait: 10_000,
    load: { wait: 60_000, lag: 60_000, heap: 10 },
  });
  const { control } = await engine.start();
  t.teardown(() => engine.stop());
  const cutter = new Cutter(control[0]?.port ?? 0);
  t.teardown(() => cutter.close());
  const stage = await Stage.start({
    edge: 'path',
    transport: 'tcp',
    trunk,
    engine: { host: '127.0.0.1', port: await cutter.start(), secret: SECRET },
  });
  t.teardown(() => stage.close());
  const again = async (meanwhile?: () => Promise<unknown>): Promise<void> => {
    const connections = () => stage.callwake.log.filter(({ event }) => event === 'ready').length;
    const before = connections();
    cutter.shut = true;
    await meanwhile?.();
    cutter.shut = false;
    await stage.callwake.logged('ready', () => connections() > before);
  };
  return { stage, cut: again };
}

test.serial(
  'the connection to the engine is cut while calls are held, ringing and up: each goes on, with one INVITE to its phone',
  async (t) => {
    const { stage, cut } = await cuttable(t);
    const [held, ringing, up] = [
      await stage.phone({ user: '2001', behaviour: { wakeDelayMs: 2_500, answerDelayMs: 50 } }),
      await stage.phone({ user: '2002', behaviour: { wakeDelayMs: 20, answer: 'ignore' } }),
      await stage.phone({ user: '2003', behaviour: { wakeDelayMs: 20, answerDelayMs: 50 } }),
    ];
    await Promise.all([held.background(), ringing.background(), up.background()]);
    const talk = stage.cucm.call({ to: '2003', offer: 'delayed' });
    await talk.answered;
    const rung = stage.cucm.call({ to: '2002', offer: 'early' });
    await ringing.events.seen('ringing');
    const waits = stage.cucm.call({ to: '2001', offer: 'delayed' });
    await held.events.seen('pushed');

    await cut();

    t.is(ringing.calls[0]?.state, 'ringing');
    ringing.calls[0]?.accept();
    t.is((await rung.answered).status, 200);
    t.is((await waits.answered).status, 200);
    t.is((await talk.reinvite({ hold: true })).status, 200);
    await talk.hangup();
    t.is((await up.calls[0]?.ended)?.how, 'remote');
    await ringing.calls[0]?.hangup();
    t.is((await rung.ended).how, 'remote');
    await waits.hangup();
    t.is((await held.calls[0]?.ended)?.how, 'remote');
    for (const phone of [held, ringing, up]) {
      t.is(requestsIn(phone.messages, 'INVITE').filter(({ toTag }) => toTag === undefined).length, 1);
      t.is(requestsIn(phone.messages, 'CANCEL').length, 0);
    }
    t.is(stage.apple.received.length, 3);
    t.deepEqual(stage.faults(), []);
  },
);

test.serial('a BYE and a CANCEL that come while the connection is cut arrive', async (t) => {
  const { stage, cut } = await cuttable(t);
  const [talking, ringing] = [
    await stage.phone({ user: '2001', behaviour: { wakeDelayMs: 20, answerDelayMs: 50 } }),
    await stage.phone({ user: '2002', behaviour: { wakeDelayMs: 20, answer: 'ignore' } }),
  ];
  await Promise.all([talking.background(), ringing.background()]);
  const [call, rung] = [stage.cucm.call({ to: '2001' }), stage.cucm.call({ to: '2002' })];
  await call.answered;
  await ringing.events.seen('ringing');
  const connected = cut();
  rung.cancel();
  await call.hangup();
  await connected;
  t.is((await talking.calls[0]?.ended)?.how, 'remote');
  t.is((await ringing.calls[0]?.ended)?.how, 'cancelled');
  t.is((await rung.ended).status, 487);
});

test.serial(
  'a call that ends while the connection is cut: its caller hears so when there is one again, and it is no new call',
  async (t) => {
    const { stage, cut } = await cuttable(t, { hold: '1500ms', ringbackAfter: '0s' });
    const phone = await stage.phone({ behaviour: { deaf: true } });
    await phone.background();
    const call = stage.cucm.call({ to: '2001' });
    await phone.events.seen('pushed');
    await cut(() => stage.callwake.logged('end', ({ reason }) => reason === 'not-woken'));
    t.is((await call.ended).status, 480);
    t.is(stage.apple.received.length, 1);
    t.is(stage.callwake.log.filter(({ event }) => event === 'invite-received').length, 1);
  },
);
