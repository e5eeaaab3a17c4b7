import { setTimeout as pause } from 'node:timers/promises';
import type { PhoneBehaviour, PhoneSimulator } from '../../sim/phone/index.js';
import type { Random } from '../../sim/random.js';
import type { CallEnd, SimCall } from '../../sim/ua/types.js';
import { DOMAIN, type Stage } from '../stage.js';
import type { Faults } from './faults.js';
import type { Ledger } from './ledger.js';

/** A user with a phone, who does one thing at a time. */
interface Line {
  readonly number: string;
  readonly phone: PhoneSimulator;
}

/** What is done, how often out of a hundred times. */
const ACTIONS = {
  wake: 30,
  'wake, early offer': 10,
  awake: 8,
  busy: 6,
  declined: 4,
  'not woken': 3,
  'cancelled while asleep': 8,
  'cancelled while ringing': 5,
  unknown: 3,
  outbound: 8,
  message: 6,
  refresh: 5,
  'wake test': 2,
  invitation: 2,
} as const;

type Action = keyof typeof ACTIONS;

/** After that a caller gives up. */
const CALLERS_PATIENCE = 30_000;
const PATIENCE = 60_000;
/** After CANCEL a caller waits for 64*T1 (RFC 3261 section 9.1). */
const CALL_PATIENCE = CALLERS_PATIENCE + 40_000;
const PUSH_FAULT_SHARE = 0.1;
/** Each action as often as its share. */
const DECK = (Object.keys(ACTIONS) as Action[]).flatMap((name) => Array<Action>(ACTIONS[name]).fill(name));

/** A phone whose edge is away can't know what became of its INVITE. */
function isOwnLoss(kind: Action, how: CallEnd['how'] | undefined): boolean {
  return kind === 'outbound' && (how === 'dropped' || how === 'timeout' || how === 'transport');
}

/** Calls, messages, registrations and wake tests in a mix that the seed decides. */
export class Load {
  /** How often each action was done. */
  readonly counts: Record<string, number> = {};
  readonly #free: Line[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(
    readonly stage: Stage,
    readonly random: Random,
    readonly ledger: Ledger,
    readonly faults: Faults,
    /** Where the API of the app that runs now is. */
    readonly api: () => string,
  ) {}

  /** Makes the phones; all of them sleep then. */
  async prepare(phones: number): Promise<void> {
    for (let i = 0; i < phones; i++) {
      const number = String(2001 + i);
      const alertToken = this.random.bytes(32).toString('hex');
      const phone = await this.stage.phone({ user: number, alertToken });
      await phone.background();
      this.#free.push({ number, phone });
    }
  }

  /** `rate` actions a second, or as many as there are free phones, until told that it is enough; those under way then come to their end. */
  async run(rate: number, enough: AbortSignal): Promise<void> {
    while (!enough.aborted) {
      const next = (1000 / rate) * 2 * this.random.next();
      await pause(next, undefined, { signal: enough }).catch(() => undefined);
      const line = enough.aborted ? undefined : this.#free.shift();
      if (line !== undefined) this.#start(line, this.random.pick(DECK));
    }
    await Promise.all(this.#running);
  }

  #start(line: Line, action: Action): void {
    this.counts[action] = (this.counts[action] ?? 0) + 1;
    const from = Date.now();
    const done = this.#do(action, line)
      .catch((error: unknown) => this.ledger.odd(`${action}: ${String(error)}`, from, Date.now()))
      .then(() => this.#sleepAgain(line))
      .then(() => {
        this.#running.delete(done);
        this.#free.push(line);
      });
    this.#running.add(done);
  }

  /** A phone that could not say that it goes, as its edge was away, says so later: what becomes of calls until then is not looked at. */
  async #sleepAgain({ phone }: Line): Promise<void> {
    for (let left = 5; left > 0; left--) {
      await phone.background().catch(() => phone.sleepSilently());
      if (phone.events.all('asleep').at(-1)?.said !== false) return;
      await pause(500);
      await phone.register().catch(() => false);
    }
  }

  async #do(action: Action, line: Line): Promise<void> {
    const { random } = this;
    const { phone, number } = line;
    const behaviour: PhoneBehaviour = { wakeDelayMs: 100 + random.below(500), answerDelayMs: 100 + random.below(400) };
    phone.behaviour = behaviour;
    switch (action) {
      case 'wake':
      case 'wake, early offer':
        return this.#wake(action, line);
      case 'awake':
        await phone.register();
        return this.#call(action, line, ['answered'], (call) => this.#talk(call));
      case 'busy':
        phone.behaviour = { ...behaviour, answer: 'busy' };
        return this.#call(action, line, ['486']);
      case 'declined':
        phone.behaviour = { ...behaviour, answer: 'decline' };
        return this.#call(action, line, ['603']);
      case 'not woken':
        phone.behaviour = { ...behaviour, deaf: true };
        return this.#call(action, line, ['480']);
      case 'cancelled while asleep':
        await this.#call(action, line, ['487'], async (call) => {
          await pause(random.below(200));
          call.cancel();
        });
        // The push is under way: the phone wakes, and gets INVITE and CANCEL.
        return pause(1_500);
      case 'cancelled while ringing':
        phone.behaviour = { ...behaviour, answer: 'ignore' };
        return this.#call(action, line, ['487'], async (call) => {
          await call.response(180).catch(() => undefined);
          call.cancel();
        });
      case 'unknown':
        return this.#call(action, { phone, number: '9999' }, ['404']);
      case 'outbound':
        return this.#outbound(action, phone);
      case 'message':
        return this.#message(number, phone);
      case 'refresh':
        return this.#expect('a REGISTER was refused', await phone.register());
      case 'wake test': {
        const devices = await this.#ask(`/v1/devices/${encodeURIComponent(`sip:${number}@${DOMAIN}`)}`);
        const id = /"id":"([^"]+)"/.exec(devices)?.[1] ?? '';
        const path = `/v1/devices/${encodeURIComponent(`sip:${number}@${DOMAIN}`)}/${encodeURIComponent(id)}/wake-test`;
        const report = await this.#ask(path, { mode: 'call' });
        return this.#expect(`a wake test: ${report.slice(0, 300)}`, report.includes('"woken":true'));
      }
      case 'invitation': {
        const invitation = { title: 'Review', start: '2027-05-04T08:30:00Z', joinUrl: 'https://meet.example/room' };
        const body = { kind: 'invitation', to: `sip:${number}@${DOMAIN}`, invitation };
        const answer = await this.#ask('/v1/notifications', body);
        return this.#expect(`an invitation: ${answer.slice(0, 300)}`, answer.includes('"outcome":"pushed"'));
      }
    }
  }

  async #wake(action: Action, line: Line): Promise<void> {
    const token = line.phone.identity.voipToken ?? '';
    const fault = this.random.chance(PUSH_FAULT_SHARE) ? this.faults.forPush(token) : undefined;
    await this.#call(action, line, ['answered'], (call) => this.#talk(call), fault);
    // A token that Apple calls dead is forgotten until the phone registers.
    if (fault !== undefined) await line.phone.register().catch(() => false);
  }

  /** One call to a line, and what its caller does. */
  async #call(
    kind: Action,
    { number, phone }: Line,
    expected: readonly string[],
    play: (call: SimCall) => Promise<void> = async () => {},
    fault?: string,
  ): Promise<void> {
    const from = String(1001 + this.random.below(20));
    const offer = kind === 'wake' ? 'delayed' : 'early';
    const left = this.faults.pendingFor(phone.identity.voipToken ?? '')
      ? 'Apple: left from an earlier call'
      : undefined;
    const why = fault ?? left;
    await this.#follow(kind, this.stage.cucm.call({ to: number, from, offer }), expected, play, why);
  }

  async #outbound(kind: Action, phone: PhoneSimulator): Promise<void> {
    const call = await phone.call('1001');
    await this.#follow(kind, call, ['answered'], (made) => this.#talk(made));
  }

  async #follow(
    kind: Action,
    call: SimCall,
    expected: readonly string[],
    play: (call: SimCall) => Promise<void>,
    fault?: string,
  ): Promise<void> {
    const from = Date.now();
    const timeout = new AbortController();
    const patience = pause(CALL_PATIENCE, undefined, { signal: timeout.signal }).catch(() => undefined);
    const tired = setTimeout(() => call.cancel(), CALLERS_PATIENCE);
    const ended = await Promise.race([play(call).then(() => call.ended), patience]);
    clearTimeout(tired);
    timeout.abort();
    const final = call.responses.find(({ status }) => status >= 200);
    const outcome =
      final !== undefined
        ? final.status < 300
          ? 'answered'
          : String(final.status)
        : isOwnLoss(kind, ended?.how)
          ? 'dropped'
          : 'none';
    const { callId } = call;
    const made = { kind, callId, from, to: Date.now(), outcome, expected };
    this.ledger.made(fault === undefined ? made : { ...made, fault });
  }

  async #talk(call: SimCall): Promise<void> {
    const answered = await call.answered.then(
      () => true,
      () => false,
    );
    if (!answered) return;
    await pause(100 + this.random.below(1_500));
    await call.hangup();
  }

  async #message(number: string, phone: PhoneSimulator): Promise<void> {
    const body = `Lunch? ${this.random.word()}`;
    const { status } = await this.stage.cucm.send('MESSAGE', number, { contentType: 'text/plain', body });
    this.#expect(`a MESSAGE got ${status}`, status === 202);
    const heard = phone.events.seen('message', (message) => message.body === body);
    await phone.register();
    const came = await Promise.race([heard.then(() => true), pause(PATIENCE / 4, false)]);
    this.#expect('a message was not delivered', came);
  }

  #expect(otherwise: string, well: boolean): void {
    if (!well) throw new Error(otherwise);
  }

  async #ask(path: string, body?: object): Promise<string> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(this.api() + path, { ...init, headers: { 'content-type': 'application/json' } });
    return response.text();
  }
}
