import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { LmdbStore } from '../../src/store/lmdb-store.js';
import { externalEngine, stageExactly } from './support.js';

const PHONES = 20_000;
const EXPIRES = 3600;
/** How many phones wait for an answer at a time: more than callwake takes at once. */
const AT_ONCE = 3000;
const MAX_PENDING = 500;

/** What came of a storm. */
interface Storm {
  readonly statuses: Map<number, number>;
  /** Of the 503s. */
  readonly retryAfter: (string | undefined)[];
  /** Seconds granted, by phone. */
  readonly granted: Map<number, number>;
}

const aorOf = (n: number): string => `sip:s${n}@corp.example`;
const hexOf = (n: number, length: number): string => n.toString(16).padStart(length, '0');

function registerOf(n: number, cseq: number, port: number): string {
  const pn = `pn-provider=apns;pn-param=ABCDE12345.com.example.phone.voip;pn-prid=${hexOf(n, 64)}`;
  return [
    'REGISTER sip:corp.example SIP/2.0',
    `Via: SIP/2.0/TCP 127.0.0.1:${port};branch=z9hG4bKs${n}x${cseq}`,
    'Max-Forwards: 69',
    `Path: <sip:edge@127.0.0.1:${port};transport=tcp;lr>`,
    `From: <${aorOf(n)}>;tag=s${n}`,
    `To: <${aorOf(n)}>`,
    `Call-ID: storm-${n}`,
    `CSeq: ${cseq} REGISTER`,
    `Contact: <sip:s${n}@10.0.0.1:5060;${pn}>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-${hexOf(n, 12)}>"`,
    `Expires: ${EXPIRES}`,
    'Supported: path',
    'User-Agent: Phone (iPhone)',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
}

/** All phones at once over one connection of their edge, which has just come back. Who is told to come later does so, as long as it takes. */
async function storm(t: ExecutionContext, { sip }: Stage): Promise<Storm> {
  const socket = connect(sip.port, sip.host);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  const result: Storm = { statuses: new Map(), retryAfter: [], granted: new Map() };
  const port = socket.localPort ?? 0;
  const cseqs = new Map<number, number>();
  let next = 1;
  const send = (n: number): void => {
    const cseq = (cseqs.get(n) ?? 0) + 1;
    cseqs.set(n, cseq);
    socket.write(registerOf(n, cseq, port), 'latin1');
  };
  await new Promise<void>((resolve, reject) => {
    const answered = (text: string): void => {
      const status = Number(text.slice(8, 11));
      if (status < 200) return;
      const n = Number(/^Call-ID: storm-(\d+)/im.exec(text)?.[1]);
      result.statuses.set(status, (result.statuses.get(status) ?? 0) + 1);
      if (next <= PHONES) send(next++);
      if (status === 503) {
        const after = /^Retry-After: (\d+)/im.exec(text)?.[1];
        result.retryAfter.push(after);
        setTimeout(() => send(n), Number(after ?? 1) * 1000);
      } else if (status === 200) {
        result.granted.set(n, Number(/;expires=(\d+)/i.exec(text)?.[1]));
        if (result.granted.size === PHONES) resolve();
      } else reject(new Error(`${status} to phone ${n}`));
    };
    answersOf(socket, answered);
    socket.once('close', () => reject(new Error('callwake closed the connection')));
    while (next <= AT_ONCE) send(next++);
  });
  return result;
}

/** Tells of each answer; none of them has a body. */
function answersOf(socket: Socket, answered: (text: string) => void): void {
  let rest = '';
  socket.setEncoding('latin1').on('data', (data) => {
    const parts = (rest + String(data)).split('\r\n\r\n');
    rest = parts.pop() ?? '';
    for (const part of parts) answered(part);
  });
}

/** Process ids of the engine and the app. */
function processesOf({ callwake }: Stage): { engine: number; app: number } {
  const pids = readFileSync(`/proc/${callwake.pid}/task/${callwake.pid}/children`, 'utf8').trim().split(' ');
  const named = (name: string): number =>
    Number(pids.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(name)));
  return { engine: named('engine'), app: named('app') };
}

/** Own memory of a process, MB. */
function memoryOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

if (externalEngine === undefined) {
  test('20,000 phones register at once when their edge is back: all get there, those beyond the bound later; OPTIONS are answered', async (t) => {
    t.timeout(300_000);
    const stage = await stageExactly(t, {
      edge: 'path',
      transport: 'tcp',
      shedding: true,
      config: { registrar: { maxPending: MAX_PENDING } },
    });
    const { engine, app } = processesOf(stage);
    let over = false;
    let most = 0;
    const pinging = (async () => {
      const answers: number[] = [];
      while (!over) {
        answers.push((await stage.cucm.ping()).status);
        most = Math.max(most, memoryOf(engine), memoryOf(app));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return answers;
    })();
    const { statuses, retryAfter, granted } = await storm(t, stage).finally(() => {
      over = true;
    });
    const pings = await pinging;
    t.log(`${JSON.stringify([...statuses])}, ${Math.round(most)} MB at most`);

    t.is(statuses.get(200), PHONES);
    t.true((statuses.get(503) ?? 0) > 0, 'more came than are taken at once');
    t.true(
      retryAfter.every((seconds) => Number(seconds) >= 1 && Number(seconds) <= 10),
      '503 says when to come again',
    );
    t.true(new Set(retryAfter).size > 5, 'not all at once');
    const seconds = [...granted.values()];
    t.true(Math.min(...seconds) >= EXPIRES * 0.9 && Math.max(...seconds) <= EXPIRES);
    t.true(new Set(seconds).size > 200, 'their refreshes are spread');
    t.true(pings.length > 3);
    t.deepEqual([...new Set(pings)], [200]);
    t.true(most < 450, `${most} MB`);

    process.kill(app, 'SIGKILL');
    const store = new LmdbStore({ path: join(dirname(stage.configFile), 'data') });
    t.teardown(() => store.close());
    for (let n = 1; n <= PHONES; n++) {
      const [device] = store.devicesOf(aorOf(n));
      if (device?.bindings.length !== 1) t.fail(`phone ${n} is not on disk though it got its 200`);
    }
    t.deepEqual(stage.faults(), []);
  });
}
