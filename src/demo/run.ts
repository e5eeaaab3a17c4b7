import { Ladder, type LadderStep } from '../ops/timeline/ladder.js';
import type { CucmEvent } from '../sim/cucm/index.js';
import type { PhoneEvent, PhoneSimulator } from '../sim/phone/index.js';
import type { SimCall } from '../sim/ua/types.js';
import { type CallMarks, figuresTable } from './figures.js';
import { type NotifiedScenario, runNotified } from './notified.js';
import { SCENARIOS, type Scenario, type ScenarioName } from './scenarios.js';
import { type EdgeKind, Stage } from './stage.js';

export interface DemoOptions {
  readonly calls: number;
  /** Calls per second. */
  readonly rate: number;
  readonly edge: EdgeKind;
  /** Of messages and invitations there is one, whatever `calls`, `rate` and `offer` say. */
  readonly scenario: ScenarioName | NotifiedScenario;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** CUCM's default is a delayed offer. */
  readonly offer: 'early' | 'delayed';
  /** Takes one line; default standard output. */
  readonly write?: (line: string) => void;
}

/** One user of the demo: his phones, and the number that CUCM calls. */
interface User {
  readonly number: string;
  readonly phones: readonly PhoneSimulator[];
}

const MAX_USERS = 50;
const PHONE_NAMES = { iphone: 'iPhone', ipad: 'iPad' } as const;

/**
 * Starts callwake with simulators around it on free loopback ports, makes the calls, draws the first one as a ladder while it
 * happens, and ends with figures. Gives 0 only if every call really ended as the scenario tells.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  if (options.scenario === 'message' || options.scenario === 'invitation') {
    return runNotified({ ...options, scenario: options.scenario, write });
  }
  const scenario = SCENARIOS[options.scenario];
  write(scenario.story);
  write(
    `CUCM -> callwake -> ${options.edge === 'direct' ? 'iPhone (no edge)' : `edge (${options.edge} mode) -> iPhone`}, SIP over ${options.transport.toUpperCase()}, ${options.offer} offer, push over HTTP/2 + TLS`,
  );
  const stage = await Stage.start({ edge: options.edge, transport: options.transport });
  try {
    const users = await makeUsers(stage, scenario, Math.min(options.calls, MAX_USERS));
    write(
      `callwake runs (process ${stage.callwake.pid}, SIP at ${stage.sip.host}:${stage.sip.port}); ${users.length * scenario.phones.length} phone(s) registered and went to sleep`,
    );
    write('');
    const outcome = await playAll(stage, scenario, users, options, write);
    const faults = stage.faults();
    write('');
    write(`${outcome.done} of ${options.calls} call(s): ${outcome.text}`);
    for (const failure of outcome.failures.slice(0, 5)) write(`  failed: ${failure}`);
    for (const fault of faults.slice(0, 5)) write(`  a simulator objects: ${fault}`);
    for (const row of figuresTable(outcome.marks)) write(row);
    return outcome.done === options.calls && faults.length === 0 ? 0 : 1;
  } finally {
    await stage.close();
  }
}

async function makeUsers(stage: Stage, scenario: Scenario, count: number): Promise<User[]> {
  const users: User[] = [];
  for (let i = 0; i < count; i++) {
    const number = String(2001 + i);
    const phones: PhoneSimulator[] = [];
    for (const { platform, behaviour } of scenario.phones) {
      const phone = await stage.phone({ user: number, platform, behaviour });
      await phone.background();
      phones.push(phone);
    }
    users.push({ number, phones });
  }
  return users;
}

interface Outcome {
  done: number;
  text: string;
  readonly failures: string[];
  readonly marks: CallMarks[];
}

async function playAll(
  stage: Stage,
  scenario: Scenario,
  users: readonly User[],
  options: DemoOptions,
  write: (line: string) => void,
): Promise<Outcome> {
  const outcome: Outcome = { done: 0, text: '', failures: [], marks: [] };
  const free = [...users];
  const waiting: ((user: User) => void)[] = [];
  const running: Promise<void>[] = [];
  const started = performance.now();
  for (let i = 0; i < options.calls; i++) {
    await pause(started + (i * 1000) / options.rate - performance.now());
    const user = free.shift() ?? (await new Promise<User>((resolve) => waiting.push(resolve)));
    running.push(
      playOne(stage, scenario, user, options, i === 0 ? write : undefined)
        .then(
          ({ text, marks }) => {
            outcome.done++;
            outcome.text ||= text;
            outcome.marks.push(marks);
          },
          (error: unknown) => void outcome.failures.push(error instanceof Error ? error.message : String(error)),
        )
        .finally(() => {
          const next = waiting.shift();
          if (next) next(user);
          else free.push(user);
        }),
    );
  }
  await Promise.all(running);
  outcome.text ||= 'none ended as the scenario tells';
  return outcome;
}

async function playOne(
  stage: Stage,
  scenario: Scenario,
  user: User,
  options: DemoOptions,
  write: ((line: string) => void) | undefined,
): Promise<{ text: string; marks: CallMarks }> {
  const names = user.phones.map((_phone, index) => PHONE_NAMES[scenario.phones[index]?.platform ?? 'iphone']);
  const ladder = new Ladder(['CUCM', 'callwake', 'APNs', ...(options.edge === 'direct' ? [] : ['edge']), ...names]);
  const marks: CallMarks = {};
  const start = performance.now();
  const draw = (step: LadderStep | undefined): void => {
    if (step !== undefined) write?.(ladder.line(performance.now() - start, step));
  };
  write?.(ladder.header());
  const stops = user.phones.map((phone, index) => {
    const name = names[index] ?? 'iPhone';
    return phone.events.onAny((event) => {
      if (event.type === 'pushed') draw({ from: 'callwake', to: 'APNs', label: 'VoIP push' });
      markPhone(marks, event);
      draw(phoneStep(name, event));
    });
  });
  let call: SimCall | undefined;
  stops.push(
    stage.cucm.events.onAny((event) => {
      if (!('callId' in event) || (call !== undefined && event.callId !== call.callId)) return;
      if (call === undefined && (event.type !== 'calling' || event.to !== user.number)) return;
      if (event.type === 'calling') marks.inviteSent = performance.now();
      if (event.type === 'answered') marks.answered = performance.now();
      draw(cucmStep(event));
    }),
  );
  try {
    void pushMark(stage, user, marks);
    call = stage.cucm.call({ to: user.number, offer: options.offer, displayName: 'Ada Lovelace' });
    const text = await scenario.play(call, user.phones);
    await pause(50);
    await Promise.all(user.phones.filter((phone) => !phone.asleep).map((phone) => phone.background()));
    return { text, marks };
  } finally {
    for (const stop of stops) stop();
  }
}

/** Notes when Apple's side had the first push for this user. */
async function pushMark(stage: Stage, user: User, marks: CallMarks): Promise<void> {
  const tokens = new Set(user.phones.map((phone) => phone.identity.voipToken));
  for (let seen = stage.apple.total; ; seen = stage.apple.total) {
    await stage.apple.waitFor(seen + 1);
    if (stage.apple.received.slice(seen - stage.apple.total).some(({ token }) => tokens.has(token))) break;
  }
  marks.pushAtApple = performance.now();
}

function markPhone(marks: CallMarks, event: PhoneEvent): void {
  const now = performance.now();
  if (event.type === 'pushed') marks.pushAtPhone ??= now;
  if (marks.pushAtPhone === undefined) return;
  if (event.type === 'registered') marks.registered ??= now;
  if (event.type === 'invited') marks.invited ??= now;
}

function phoneStep(phone: string, event: PhoneEvent): LadderStep | undefined {
  const toPhone = (label: string): LadderStep => ({ from: 'callwake', to: phone, label });
  const fromPhone = (label: string): LadderStep => ({ from: phone, to: 'callwake', label });
  switch (event.type) {
    case 'pushed':
      return { from: 'APNs', to: phone, label: 'VoIP push' };
    case 'registering':
      return fromPhone(`REGISTER (${event.state})`);
    case 'registered':
      return toPhone('200 OK (REGISTER)');
    case 'invited':
      return toPhone('INVITE');
    case 'ringing':
      return fromPhone('180 Ringing');
    case 'answered':
      return fromPhone('200 OK (INVITE)');
    case 'cancelled':
      return toPhone('CANCEL');
    case 'ended':
      return event.how === 'remote' ? toPhone('BYE') : { at: phone, note: `ended: ${event.how}` };
    case 'asleep':
      return { at: phone, note: 'asleep' };
    default:
      return undefined;
  }
}

function cucmStep(event: CucmEvent): LadderStep | undefined {
  switch (event.type) {
    case 'calling':
      return { from: 'CUCM', to: 'callwake', label: 'INVITE' };
    case 'response':
      return { from: 'callwake', to: 'CUCM', label: `${event.status} ${event.reason}` };
    case 'ended':
      if (event.how === 'local') return { from: 'CUCM', to: 'callwake', label: 'BYE' };
      return event.how === 'remote' ? { from: 'callwake', to: 'CUCM', label: 'BYE' } : { at: 'CUCM', note: 'ended' };
    default:
      return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
