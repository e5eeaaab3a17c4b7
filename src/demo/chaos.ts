import { setTimeout as pause } from 'node:timers/promises';
import type { PhoneSimulator } from '../sim/phone/index.js';
import type { SimCall } from '../sim/ua/types.js';
import { killApp } from './app-process.js';
import { Stage, type StageOptions } from './stage.js';

export interface ChaosOptions extends Partial<StageOptions> {
  readonly calls: number;
  /** Calls per second. */
  readonly rate: number;
  /** How often the app is killed, milliseconds. */
  readonly killEvery: number;
  /** How many phones share the calls; each has one call at a time. */
  readonly phones: number;
}

export interface ChaosResult {
  readonly kills: number;
  readonly answered: number;
  /** Calls whose phone rang, answered or not. */
  readonly rang: number;
  /** Calls that had no final response when all was over. */
  readonly unanswered: number;
  /** Calls for which a phone saw more than one INVITE. */
  readonly rangTwice: number;
  /** Calls for which Apple had more than one push. */
  readonly pushedTwice: number;
  /** Final responses other than 200, each with its Warning or Reason, and how many calls got it. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Answered calls whose phone was still in the call after the caller had hung up. */
  readonly leftUp: number;
  /** What callwake's processes wrote to standard error, without what the supervisor says of each killed app. */
  readonly said: readonly string[];
}

interface Line {
  readonly number: string;
  readonly phone: PhoneSimulator;
}

const NO_ANSWER = 40_000;

/** Makes wake calls while the app is killed (`kill -9`) again and again, and counts what callers and phones saw of it. */
export async function runChaos({ calls, rate, killEvery, phones, ...options }: ChaosOptions): Promise<ChaosResult> {
  const stage = await Stage.start({ edge: 'path', shedding: true, ...options });
  try {
    const lines = await makeLines(stage, phones);
    const free = [...lines];
    const waiting: ((line: Line) => void)[] = [];
    const made: SimCall[] = [];
    const played: Promise<void>[] = [];
    const killer = new Killer(stage, killEvery);
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      await pause(Math.max(0, start + (i * 1000) / rate - performance.now()));
      const line = free.shift() ?? (await new Promise<Line>((resolve) => waiting.push(resolve)));
      const call = stage.cucm.call({ to: line.number, offer: i % 2 === 0 ? 'early' : 'delayed' });
      made.push(call);
      played.push(
        play(call, line).then(() => {
          const next = waiting.shift();
          if (next) next(line);
          else free.push(line);
        }),
      );
    }
    await Promise.all(played);
    await killer.stop();
    await pause(1_000);
    return count(stage, made, lines, killer.kills);
  } finally {
    await stage.close();
  }
}

async function makeLines(stage: Stage, count: number): Promise<Line[]> {
  const lines: Line[] = [];
  for (let i = 0; i < count; i++) {
    const number = String(2001 + i);
    const phone = await stage.phone({ user: number, behaviour: { wakeDelayMs: 200, answerDelayMs: 300 } });
    await phone.background();
    lines.push({ number, phone });
  }
  return lines;
}

/** One call to its end; then the phone sleeps again. */
async function play(call: SimCall, { phone }: Line): Promise<void> {
  const timeout = new AbortController();
  const given = pause(NO_ANSWER, undefined, { signal: timeout.signal }).catch(() => undefined);
  const answered = call.answered.then(
    () => true,
    () => false,
  );
  if ((await Promise.race([answered, given])) === true) {
    await pause(100);
    await Promise.race([call.hangup(), given]);
  }
  timeout.abort();
  await pause(300);
  await phone.background().catch(() => undefined);
}

class Killer {
  kills = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(
    readonly stage: Stage,
    readonly every: number,
  ) {
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** A new app lives for a moment at least, and half as long as it took to come, or no call would ever go on. */
  async #run(): Promise<void> {
    let next = performance.now() + this.every;
    for (;;) {
      await pause(Math.max(0, next - performance.now()));
      if (this.#stopped) return;
      this.kills++;
      const killed = performance.now();
      await killApp(this.stage);
      const back = performance.now();
      next = Math.max(killed + this.every, back + MIN_LIFE, back + (back - killed) / 2);
    }
  }
}

const MIN_LIFE = 500;

function count(stage: Stage, made: readonly SimCall[], lines: readonly Line[], kills: number): ChaosResult {
  const invites = new Map<string, number>();
  let leftUp = 0;
  for (const { phone } of lines) {
    for (const { callUuid } of phone.events.all('invited')) {
      if (callUuid !== undefined) invites.set(callUuid, (invites.get(callUuid) ?? 0) + 1);
    }
    leftUp += phone.calls.filter(({ state }) => state === 'answered').length;
  }
  const pushes = new Map<string, number>();
  for (const { payload } of stage.apple.received) {
    const uuid = (payload as { callwake?: { callUuid?: string } } | undefined)?.callwake?.callUuid;
    if (uuid !== undefined) pushes.set(uuid, (pushes.get(uuid) ?? 0) + 1);
  }
  const finals = made.map((call) => call.responses.find(({ status }) => status >= 200));
  const refusals: Record<string, number> = {};
  for (const final of finals) {
    if (final === undefined || final.status < 300) continue;
    const cause = [final.status, final.header('Warning') ?? final.header('Reason') ?? ''].join(' ').trim();
    refusals[cause] = (refusals[cause] ?? 0) + 1;
  }
  return {
    kills,
    answered: finals.filter((final) => final !== undefined && final.status < 300).length,
    rang: invites.size,
    unanswered: finals.filter((final) => final === undefined).length,
    rangTwice: [...invites.values()].filter((times) => times > 1).length,
    pushedTwice: [...pushes.values()].filter((times) => times > 1).length,
    refusals,
    leftUp,
    said: stage.callwake.errors,
  };
}
