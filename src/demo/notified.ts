import { setTimeout as pause } from 'node:timers/promises';
import { Ladder, type LadderStep } from '../ops/timeline/ladder.js';
import type { PhoneEvent } from '../sim/phone/index.js';
import { type EdgeKind, Stage } from './stage.js';

/** What the demo can show of messages. */
export type NotifiedScenario = 'message' | 'invitation';

export interface NotifiedOptions {
  readonly scenario: NotifiedScenario;
  readonly edge: EdgeKind;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly write: (line: string) => void;
}

const STORIES: Readonly<Record<NotifiedScenario, string>> = {
  message:
    'Messages for a sleeping iPhone are stored, its user is told by alert push, and they are delivered when the app opens; then it gets them at once.',
  invitation:
    'A meeting invitation comes over the HTTP API: the sleeping iPhone shows it, the one in use is left alone.',
};

const ALERT_TOKEN = 'ab'.repeat(32);
const PATIENCE = 10_000;
/** Until the next message is written. */
const TALK_MS = 400;

/** Plays a message or an invitation, drawn as a ladder. Gives 0 only if all went as the story tells. */
export async function runNotified({ scenario, edge, transport, write }: NotifiedOptions): Promise<number> {
  write(STORIES[scenario]);
  const api = { enabled: true, port: 0, loopbackWithoutToken: true };
  const stage = await Stage.start({ edge, transport, config: scenario === 'invitation' ? { api } : {} });
  try {
    const play = new Play(stage, write);
    const text = await within(scenario === 'message' ? play.message() : play.invitation());
    const faults = stage.faults();
    write('');
    write(text);
    for (const fault of faults.slice(0, 5)) write(`  a simulator objects: ${fault}`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    write('');
    write(`failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await stage.close();
  }
}

class Play {
  #start = performance.now();

  constructor(
    readonly stage: Stage,
    readonly write: (line: string) => void,
  ) {}

  async message(): Promise<string> {
    const { stage } = this;
    const phone = await stage.phone({ alertToken: ALERT_TOKEN });
    await phone.background();
    const draw = this.#ladder(['CUCM', 'callwake', 'APNs', 'iPhone']);
    const stop = phone.events.onAny((event) => draw(phoneStep(event)));
    const send = async (body: string): Promise<number> => {
      draw({ from: 'CUCM', to: 'callwake', label: `MESSAGE "${body}"` });
      const { status, reason } = await stage.cucm.send('MESSAGE', '2001', { contentType: 'text/plain', body });
      draw({ from: 'callwake', to: 'CUCM', label: `${status} ${reason}` });
      return status;
    };
    try {
      expect(await send('Lunch?'), 202);
      expect(await send('At noon'), 202);
      await stage.apple.waitFor(2);
      await phone.register();
      await phone.events.seen('message', ({ body }) => body === 'At noon');
      await pause(TALK_MS);
      expect(await send('Where?'), 200);
      const bodies = phone.events.all('message').map(({ body }) => body);
      if (bodies.join() !== 'Lunch?,At noon,Where?') throw new Error(`the phone got ${bodies.join(', ')}`);
      if (stage.apple.received.length !== 2) throw new Error(`${stage.apple.received.length} pushes instead of 2`);
      return '3 messages, in order, once; 2 alert pushes while it slept, none while it was in use';
    } finally {
      stop();
    }
  }

  async invitation(): Promise<string> {
    const { stage } = this;
    const phone = await stage.phone({ alertToken: ALERT_TOKEN });
    await phone.background();
    const { url } = await stage.callwake.logged('api listening');
    const draw = this.#ladder(['Webex', 'callwake', 'APNs', 'iPhone']);
    const stop = phone.events.onAny((event) => draw(phoneStep(event)));
    const send = async (title: string): Promise<string> => {
      draw({ from: 'Webex', to: 'callwake', label: `POST "${title}"` });
      const start = new Date(Date.now() + 600_000).toISOString();
      const joinUrl = 'https://meet.example/room';
      const answer = await fetch(new URL('/v1/notifications', String(url)), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          kind: 'invitation',
          to: 'sip:2001@corp.example',
          invitation: { title, organiser: 'Ada Lovelace', start, joinUrl },
          expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
        }),
      });
      const body = (await answer.json()) as { results?: readonly { outcome: string }[] };
      const outcome = body.results?.[0]?.outcome ?? 'none';
      draw({ from: 'callwake', to: 'Webex', label: `${answer.status} ${outcome}` });
      return outcome;
    };
    try {
      expect(await send('Planning'), 'pushed');
      await phone.events.seen('pushed');
      await phone.register();
      expect(await send('Review'), 'active');
      if (stage.apple.received.length !== 1) throw new Error(`${stage.apple.received.length} pushes instead of 1`);
      return 'the invitation was pushed to the sleeping iPhone; in use, it got no push';
    } finally {
      stop();
    }
  }

  #ladder(participants: readonly string[]): (step: LadderStep | undefined) => void {
    const ladder = new Ladder(participants);
    this.write(`callwake runs (process ${this.stage.callwake.pid}); the iPhone registered and went to sleep`);
    this.write('');
    this.write(ladder.header());
    this.#start = performance.now();
    return (step) => {
      if (step !== undefined) this.write(ladder.line(performance.now() - this.#start, step));
    };
  }
}

function phoneStep(event: PhoneEvent): LadderStep | undefined {
  switch (event.type) {
    case 'pushed':
      return { from: 'APNs', to: 'iPhone', label: 'alert push' };
    case 'registering':
      return { from: 'iPhone', to: 'callwake', label: `REGISTER (${event.state})` };
    case 'registered':
      return { from: 'callwake', to: 'iPhone', label: '200 OK (REGISTER)' };
    case 'message':
      return { from: 'callwake', to: 'iPhone', label: `MESSAGE "${event.body}"` };
    default:
      return undefined;
  }
}

function expect(seen: number | string, expected: number | string): void {
  if (seen !== expected) throw new Error(`expected ${expected}, saw ${seen}`);
}

function within<T>(play: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing more happened within ${PATIENCE / 1000} s`)), PATIENCE);
    play.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
