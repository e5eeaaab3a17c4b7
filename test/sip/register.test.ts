import test from 'ava';
import type { Device, RegisterAnswer, RegisterRequest } from '../../src/devices/types.js';
import type { Drachtio, SrfRequest, SrfResponse } from '../../src/sip/drachtio.js';
import { Flows } from '../../src/sip/flows.js';
import { type Refusal, registerHandler } from '../../src/sip/register.js';

const OK: RegisterAnswer = { status: 200, reason: 'OK', headers: [], registered: [] };

function bench(options: { maxPending?: number; answer?: (request: RegisterRequest) => Promise<RegisterAnswer> } = {}) {
  const answers: { status: number; headers: Record<string, string> }[] = [];
  const refusals: Refusal[] = [];
  const faults: unknown[] = [];
  const handler = registerHandler({
    drachtio: {
      flows: new Flows(),
      respond: (_res: SrfResponse, status: number, _reason: string, headers: Record<string, string> = {}) => {
        answers.push({ status, headers });
      },
    } as unknown as Drachtio,
    registrar: { register: options.answer ?? (async () => OK) },
    access: { edgeOf: () => ({ name: 'edge', digest: false }), allowDirect: false },
    domains: ['corp.example'],
    headers: { stateHeader: 'X-App-State', keyHeader: 'X-App-Key' },
    maxPending: options.maxPending ?? 10,
    onRegistered: () => {},
    onRefused: (refusal) => refusals.push(refusal),
    onFault: (error) => faults.push(error),
    random: () => 0.5,
  });
  const send = (lines: readonly string[] = []) => {
    const to = lines.some((line) => line.startsWith('To:')) ? [] : ['To: <sip:2001@corp.example>'];
    const raw = ['REGISTER sip:corp.example SIP/2.0', ...to, 'CSeq: 1 REGISTER', ...lines, '', ''].join('\r\n');
    handler(
      { msg: { raw }, source_address: '192.0.2.1', source_port: 5060, protocol: 'udp' } as SrfRequest,
      {} as SrfResponse,
    );
  };
  return { send, answers, refusals, faults };
}

test('an address of record that is no SIP URI gets 400, and is no fault of ours', (t) => {
  const { send, answers, faults } = bench();
  for (const to of ['isbn:2983792873', '<tel:+15551234>', '<http://corp.example>', '<sip:>']) send([`To: ${to}`]);
  t.deepEqual(
    answers.map(({ status }) => status),
    [400, 400, 400, 400],
  );
  t.deepEqual(faults, []);
});

test('more REGISTERs under way than allowed: 503 with a Retry-After, and room again when one is done', async (t) => {
  const waiting: (() => void)[] = [];
  const { send, answers } = bench({
    maxPending: 2,
    answer: () => new Promise((resolve) => waiting.push(() => resolve(OK))),
  });
  for (let n = 0; n < 3; n++) send();
  await new Promise(setImmediate);
  const Warning = '399 callwake "too many REGISTERs under way"';
  t.deepEqual(answers, [{ status: 503, headers: { 'Retry-After': '6', Warning } }]);
  waiting.forEach((done) => {
    done();
  });
  await new Promise(setImmediate);
  t.is(answers.length, 3);
  send();
  await new Promise(setImmediate);
  t.is(waiting.length, 3);
});

test('To that names nobody: 400; a foreign domain: 404; no hops left: 483', async (t) => {
  const { send, answers } = bench();
  send(['To: <>']);
  send(['To: <sip:2001@elsewhere.example>']);
  send(['Max-Forwards: 0']);
  await new Promise(setImmediate);
  t.deepEqual(
    answers.map(({ status }) => status),
    [400, 404, 483],
  );
});

test('a registrar that fails: 500 with Retry-After, and the fault is told', async (t) => {
  const { send, answers, faults } = bench({ answer: () => Promise.reject(new Error('disk')) });
  send();
  await new Promise(setImmediate);
  t.deepEqual(answers, [{ status: 500, headers: { 'Retry-After': '5' } }]);
  t.is(faults.length, 1);
});

test('Contacts over several lines and in lists are taken one by one, as they came', async (t) => {
  let seen: readonly string[] = [];
  const { send } = bench({
    answer: async ({ contacts }) => {
      seen = contacts;
      return OK;
    },
  });
  send(['Contact: <sip:a@192.0.2.1;x="1,2">;q=0.5, <sip:b@192.0.2.2>', 'm: <sip:c@192.0.2.3>']);
  await new Promise(setImmediate);
  t.deepEqual(seen, ['<sip:a@192.0.2.1;x="1,2">;q=0.5', '<sip:b@192.0.2.2>', '<sip:c@192.0.2.3>']);
});

test('P25: a held call hears of a REGISTER only when the engine has its 200, though callwake authorised it itself', async (t) => {
  const told: string[] = [];
  const device = { id: 'a' } as Device;
  const handler = registerHandler({
    drachtio: {
      flows: new Flows(),
      respond: (_res: SrfResponse, status: number) => told.push(`answered ${status}`),
    } as unknown as Drachtio,
    registrar: { register: async () => ({ ...OK, registered: [device] }) },
    access: { edgeOf: () => ({ name: 'edge', digest: false }), allowDirect: false },
    domains: ['corp.example'],
    headers: { stateHeader: 'X-App-State', keyHeader: 'X-App-Key' },
    maxPending: 1,
    onRegistered: (devices) => told.push(`registered ${devices.map(({ id }) => id).join()}`),
    onRefused: () => {},
    onFault: (error) => t.fail(String(error)),
  });
  const raw = 'REGISTER sip:corp.example SIP/2.0\r\nTo: <sip:2001@corp.example>\r\n\r\n';
  handler({ msg: { raw }, source_address: '192.0.2.1' } as SrfRequest, {} as SrfResponse);
  await new Promise(setImmediate);
  t.deepEqual(told, ['answered 200', 'registered a']);
});
