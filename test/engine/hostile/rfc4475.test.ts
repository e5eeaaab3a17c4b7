import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { EngineProcess } from './engine-process.js';
import { tcpWire, udpWire, type Wire } from './wire.js';

const FOLDER = 'test/fixtures/rfc4475';

/**
 * `app`: it reaches the application, whose answer goes back. `silence`: nothing comes back. `cut`: it reaches the application, but as
 * no message begins behind it the connection is closed. Else the start of the status line.
 */
type Outcome = 'app' | 'silence' | 'cut' | `${number}`;

/** What RFC 4475 asks of an element at this level. Where a stream differs from a datagram, its outcome stands second. */
const EXPECTED: Record<string, readonly [udp: Outcome, tcp?: Outcome]> = {
  wsinv: ['481'],
  intmeth: ['501'],
  esc01: ['app'],
  escnull: ['app'],
  esc02: ['501'],
  lwsdisp: ['app'],
  longreq: ['app'],
  dblreq: ['app', 'cut'],
  semiuri: ['app'],
  transports: ['app'],
  mpart01: ['app'],
  unreason: ['silence'],
  noreason: ['silence'],
  badinv01: ['400'],
  clerr: ['400', 'silence'],
  ncl: ['400'],
  scalar02: ['400'],
  scalarlg: ['silence'],
  quotbal: ['400'],
  ltgtruri: ['400'],
  lwsruri: ['400'],
  lwsstart: ['400'],
  trws: ['400'],
  escruri: ['400'],
  baddate: ['400'],
  regbadct: ['400'],
  badaspec: ['400'],
  baddn: ['400'],
  badvers: ['505'],
  mismatch01: ['400'],
  mismatch02: ['400'],
  bigcode: ['silence'],
  badbranch: ['app'],
  insuf: ['400'],
  unkscm: ['416'],
  novelsc: ['416'],
  unksm2: ['app'],
  bext01: ['app'],
  invut: ['app'],
  regaut01: ['app'],
  multi01: ['400'],
  mcl01: ['400'],
  bcast: ['silence'],
  zeromf: ['app'],
  cparam01: ['app'],
  cparam02: ['app'],
  regescrt: ['app'],
  sdp01: ['app'],
  inv2543: ['app', '400'],
};

/** Many of them share a branch, so they would be taken for retransmissions of each other: those come in different rounds. */
function rounds(): string[][] {
  const seen = new Map<string, number>();
  const all: string[][] = [];
  for (const name of Object.keys(EXPECTED)) {
    const text = readFileSync(`${FOLDER}/${name}.dat`, 'latin1');
    const key = `${/branch=[^\s;]*/.exec(text)?.[0]} ${/^[^\s]+/.exec(text)?.[0]}`;
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    const list = all[round] ?? [];
    all[round] = [...list, name];
  }
  return all;
}

/** A datagram's response goes to the port in its Via, which is not ours: `rport` brings it back (RFC 3581). */
function withRport(data: Buffer): Buffer {
  const text = data.toString('latin1');
  return Buffer.from(text.replace(/^((?:via|v)\s*:(?:[^\r]|\r\n[ \t])*)/im, '$1;rport'), 'latin1');
}

async function send(
  t: ExecutionContext,
  engine: EngineProcess,
  protocol: 'udp' | 'tcp',
  name: string,
  heard: Set<string>,
): Promise<void> {
  const [udp, tcp = udp] = EXPECTED[name] ?? ['silence'];
  const outcome = protocol === 'udp' ? udp : tcp;
  const original = readFileSync(`${FOLDER}/${name}.dat`);
  const data = protocol === 'udp' && outcome !== '400' ? withRport(original) : original;
  const wire: Wire = await (protocol === 'udp' ? udpWire : tcpWire)(engine.port(protocol));
  wire.send(data);
  if (outcome === 'silence') {
    await settled(engine, protocol);
    t.deepEqual(wire.lines, [], name);
  } else if (outcome === 'app') {
    t.truthy(await wire.next(/^SIP\/2\.0 (202|486) /), name);
  } else if (outcome === 'cut') {
    await wire.ended;
    await settled(engine, protocol);
  } else {
    t.truthy(await wire.next(new RegExp(`^SIP/2\\.0 ${outcome} `)), name);
  }
  const callId = /^(?:call-id|i)\s*:\s*(\S+)/im.exec(original.toString('utf8'))?.[1] ?? '';
  t.is(heard.has(callId), outcome === 'app' || outcome === 'cut', `${name}: whether the application was asked`);
  wire.end();
}

/** What was sent before has been dealt with. */
async function settled(engine: EngineProcess, protocol: 'udp' | 'tcp'): Promise<void> {
  await engine.goodCall(protocol);
}

for (const protocol of ['udp', 'tcp'] as const) {
  rounds().forEach((names, round) => {
    test.serial(`RFC 4475 over ${protocol}, part ${round + 1}: ${names.join(', ')}`, async (t) => {
      const engine = await EngineProcess.start(t);
      const heard = new Set<string>();
      await engine.app(t, (req, res) => {
        heard.add(req.get('Call-ID'));
        res.send(req.method === 'INVITE' ? 486 : 202);
      });
      for (const name of names) await send(t, engine, protocol, name, heard);
      await engine.goodCall('udp');
      await engine.goodCall('tcp');
      t.true(engine.alive);
      t.deepEqual(engine.errors, []);
    });
  });
}

test('every message of the collection is in the table', (t) => {
  const files = readdirSync(FOLDER).map((file) => file.replace('.dat', ''));
  t.is(files.length, 49);
  t.deepEqual(Object.keys(EXPECTED).sort(), files.sort());
});
