import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../src/config/load.js';
import type { Stage, StageOptions } from '../../src/demo/stage.js';
import { startStage } from './support.js';

const FOLDER = 'sip-scenarios';
const NEEDED = 'SIPp is needed: apt-get install sip-tester';

/** The commands that the README gives, by the name of their scenario. */
const commands = new Map(
  [...readFileSync(join(FOLDER, 'README.md'), 'utf8').matchAll(/^sipp .*-sf ([\w-]+)\.xml.*$/gm)].map(
    ([line, name]) => [`${name}${/-key state (\w+)/.exec(line)?.[1] ?? ''}`, line],
  ),
);

/** The callwake of the tests so far: the next one has the same if it wants none that is different. */
let running: { readonly wanted: string; readonly stage: Stage } | undefined;

async function stageLike(options: StageOptions): Promise<Stage> {
  const wanted = JSON.stringify(options);
  if (running?.wanted !== wanted) {
    await running?.stage.close();
    running = undefined;
    running = { wanted, stage: await startStage(options) };
  }
  return running.stage;
}

test.after.always(() => running?.stage.close());

/** A callwake on free ports, and SIPp run against it as the README says. */
class Bench {
  readonly #folder = mkdtempSync(join(tmpdir(), 'callwake-sipp-'));
  readonly #pushesBefore: number;

  private constructor(
    readonly stage: Stage,
    private readonly cucmPort: number,
    private readonly phonePort: number,
  ) {
    this.#pushesBefore = stage.apple.total;
  }

  /** How many pushes Apple has got since the test began. */
  get pushes(): number {
    return this.stage.apple.total - this.#pushesBefore;
  }

  static async start(
    t: ExecutionContext,
    trunk: Readonly<Record<string, unknown>> = {},
    transport: 'udp' | 'tcp' = 'udp',
  ): Promise<Bench> {
    const stage = await stageLike({ edge: 'direct', transport, trunk });
    const token = /pn-prid=(\w+)\[service\](\w+)>/.exec(readFileSync(join(FOLDER, 'register-phone.xml'), 'utf8'));
    stage.apple.registerToken({ token: `${token?.[1]}2001${token?.[2]}`, topics: ['com.example.phone.voip'] });
    const bench = new Bench(stage, await freePort(), await freePort());
    t.teardown(() => rmSync(bench.#folder, { recursive: true, force: true }));
    return bench;
  }

  /** Settles when SIPp has ended well; rejects with what it said otherwise. */
  async run(name: string): Promise<void> {
    const line = commands.get(name);
    if (line === undefined) throw new Error(`the README has no command for ${name}`);
    const { host, port, transport } = this.stage.sip;
    const words = line
      .replace('127.0.0.1:5060', `${host}:${port}`)
      .replace('-p 5070', `-p ${this.cucmPort}`)
      .replaceAll('5080', String(this.phonePort))
      .replace('-key phone_transport udp', `-key phone_transport ${transport}`)
      .replace(/-sf (\S+)/, (_, file) => `-sf ${resolve(FOLDER, file)}`)
      .split(' ');
    const over = transport === 'tcp' && !name.startsWith('register-phone') ? ['-t', 't1'] : [];
    // SIPp's own choice is 5060, which another test may have at the same time.
    const local = words.includes('-p') ? [] : ['-p', String(await freePort())];
    const [program = '', ...args] = [...words, ...over, ...local, '-timeout', '40s', '-timeout_error'];
    const child = spawn(program, args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (said = (said + chunk).slice(-4000)));
    const ended = once(child, 'close');
    const [code] = await Promise.race([
      ended,
      once(child, 'error').then(() => {
        throw new Error(NEEDED);
      }),
    ]);
    if (code !== 0) throw new Error(`${name}: sipp ended with ${code}\n${said}`);
  }

  /** A call that wakes the phone: it registers when the push has come. */
  async wake(scenario: string): Promise<void> {
    await this.run('register-phonebackground');
    const pushes = this.stage.apple.total;
    const phone = this.run('phone-answers');
    const call = this.run(scenario);
    await Promise.race([call, this.stage.apple.waitFor(pushes + 1)]);
    await this.run('register-phoneforeground');
    await Promise.all([call, phone]);
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

test('the configuration that the README starts callwake with is valid', (t) => {
  const config = loadConfig({ file: join(FOLDER, 'callwake.yaml'), env: {} });
  t.deepEqual(config.engine.contacts, ['sip:127.0.0.1:5060;transport=udp,tcp']);
});

test.serial('register-phone', async (t) => {
  const bench = await Bench.start(t);
  await t.notThrowsAsync(bench.run('register-phonebackground'));
  const { state } = await bench.stage.callwake.logged('registered');
  t.is(state, 'suspended');
});

test.serial('unknown-user-404', async (t) => {
  const bench = await Bench.start(t);
  await t.notThrowsAsync(bench.run('unknown-user-404'));
});

test.serial('garbage-400, and callwake goes on', async (t) => {
  const bench = await Bench.start(t);
  await t.notThrowsAsync(bench.run('garbage-400'));
  await t.notThrowsAsync(bench.run('options-ping'));
});

for (const transport of ['udp', 'tcp'] as const) {
  test.serial(`options-ping, ${transport}`, async (t) => {
    const bench = await Bench.start(t, {}, transport);
    await t.notThrowsAsync(bench.run('options-ping'));
  });

  test.serial(`wake-call-answered, ${transport}`, async (t) => {
    const bench = await Bench.start(t, {}, transport);
    await t.notThrowsAsync(bench.wake('wake-call-answered'));
    t.is(bench.pushes, 1);
  });

  test.serial(`wake-call-delayed-offer, ${transport}`, async (t) => {
    const bench = await Bench.start(t, {}, transport);
    await t.notThrowsAsync(bench.wake('wake-call-delayed-offer'));
    t.is(bench.pushes, 1);
  });

  test.serial(`call-active-phone, ${transport}`, async (t) => {
    const bench = await Bench.start(t, {}, transport);
    await bench.run('register-phoneforeground');
    const phone = bench.run('phone-answers');
    await t.notThrowsAsync(bench.run('call-active-phone'));
    await phone;
    t.is(bench.pushes, 0);
  });

  // The last one over its transport: the phone of a call that was cancelled is told so when it registers.
  test.serial(`cancel-while-held, ${transport}`, async (t) => {
    const bench = await Bench.start(t, {}, transport);
    await bench.run('register-phonebackground');
    await t.notThrowsAsync(bench.run('cancel-while-held'));
    t.is(bench.pushes, 1);
  });
}

test.serial('nobody-wakes', async (t) => {
  const bench = await Bench.start(t, { hold: '1s', ringbackAfter: '300ms' });
  await bench.run('register-phonebackground');
  await t.notThrowsAsync(bench.run('nobody-wakes'));
  t.is(bench.pushes, 1);
});

test('the README has a command for every scenario, and a test for every command', (t) => {
  const tests = readFileSync('test/e2e/sip-scenarios.test.ts', 'utf8');
  for (const name of commands.keys()) t.true(tests.includes(`'${name}'`), name);
  t.is(commands.size, 11);
});
