import { randomBytes, randomUUID } from 'node:crypto';
import { type Clock, systemClock, type Timer } from '../../clock/clock.js';
import { parseUri } from '../../grammar/uri.js';
import type { PushKind } from '../../push/provider.js';
import { uriHost } from '../address.js';
import type { Call } from '../ua/call.js';
import { Events } from '../ua/events.js';
import type { IncomingCall } from '../ua/incoming-call.js';
import { MessageLog } from '../ua/message-log.js';
import { OutgoingCall } from '../ua/outgoing-call.js';
import { sdpOffer } from '../ua/sdp.js';
import type { Endpoint, SipMessage, SipRequest } from '../ua/stack.js';
import type { RecordedMessage, RequestExtras, SimCall } from '../ua/types.js';
import { type Answer, UserAgent } from '../ua/user-agent.js';
import { CallKit, callUuidOf, field } from './callkit.js';
import { messageFaults, targetFault } from './checks.js';
import type { PhoneIdentity } from './contact.js';
import { PushChannel } from './push-channel.js';
import { Registration } from './registration.js';
import type { PhoneBehaviour, PhoneEvent, PhoneSimulatorOptions } from './types.js';

const ASSERTED = ['P-Asserted-Identity', 'Remote-Party-ID'] as const;
const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, MESSAGE, NOTIFY, REFER';

/**
 * A softphone on an iPhone or iPad. Awake it has a flow to its server; asleep it has none, and only its connection to Apple (see
 * {@link PushChannel}) can wake it.
 */
export class PhoneSimulator {
  readonly events = new Events<PhoneEvent>();
  /** What the other side did wrong in this phone's view. */
  readonly faults: string[] = [];
  /** Payloads of all pushes, the latest 1000. */
  readonly pushes: { readonly kind: PushKind; readonly payload: unknown; readonly at: number }[] = [];
  /** May be changed at any time. */
  behaviour: PhoneBehaviour;
  readonly identity: PhoneIdentity;
  readonly #options: PhoneSimulatorOptions;
  readonly #clock: Clock;
  readonly #log: MessageLog;
  readonly #registration: Registration;
  readonly #callkit = new CallKit();
  readonly #calls: Call[] = [];
  readonly #timers = new Set<Timer>();
  #channel: PushChannel | undefined;
  #ua: UserAgent | undefined;
  #waking: Promise<UserAgent> | undefined;
  /** The host of its Contact over WebSocket (RFC 7118 section 5): it has no address that it knows of. */
  #webHost = '';
  #closed = false;

  constructor(options: PhoneSimulatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = new MessageLog(this.#clock);
    this.behaviour = options.behaviour ?? {};
    const { instance = randomUUID(), voipToken = randomBytes(32).toString('hex') } = options;
    this.identity = {
      instance: instance.startsWith('urn:') ? instance : `urn:uuid:${instance}`,
      voipToken: voipToken ?? undefined,
      alertToken: options.alertToken,
      teamId: options.teamId ?? 'ABCDE12345',
      bundleId: options.bundleId ?? 'com.example.phone',
    };
    this.#registration = new Registration(this.identity, options, {
      emit: (event) => this.#emit(event),
      fault: (text) => this.#fault(text),
      contactUri: () => this.#contactUri(),
    });
  }

  /** Connects to the Apple simulator, and registers unless told not to. Throws when nobody listens there. */
  async start(options: { readonly register?: boolean } = {}): Promise<this> {
    const { pushes, environment = 'production' } = this.#options;
    const { voipToken, alertToken } = this.identity;
    if (pushes) {
      const { bundleId } = this.identity;
      const hellos = [
        ...(voipToken === undefined ? [] : [{ token: voipToken, topics: [`${bundleId}.voip`], environment }]),
        ...(alertToken === undefined ? [] : [{ token: alertToken, topics: [bundleId], environment }]),
      ];
      const onLine = (line: unknown): void => this.#onPushLine(line);
      this.#channel = new PushChannel({ ...pushes, hellos, clock: this.#clock, onLine });
      await this.#channel.connect();
    }
    if (options.register ?? true) await this.register();
    return this;
  }

  /** No flow at all. */
  get asleep(): boolean {
    return this.#ua === undefined;
  }

  /** Awake, and the registrar has said 2xx over this flow. */
  get registered(): boolean {
    return !this.asleep && this.#registration.registered;
  }

  /** Messages got and sent, in order. */
  get messages(): readonly RecordedMessage[] {
    return this.#log.entries;
  }

  /** The latest calls in both directions, at most 1000. */
  get calls(): readonly SimCall[] {
    return this.#calls;
  }

  /** Opens a flow if there is none, without a REGISTER. Gives where the phone listens. */
  async wake(): Promise<Endpoint> {
    return (await this.#awake()).local;
  }

  /** Wakes up if need be and registers. True when the registrar said 2xx. */
  async register(): Promise<boolean> {
    return this.#registration.register(await this.#awake(), 'foreground');
  }

  /** The app goes to the background and says so: REGISTER with `app-state=background`, then the flow is closed. */
  async background(): Promise<void> {
    const ua = this.#ua;
    if (!ua) return;
    const said = await this.#registration.register(ua, 'background', 1);
    await this.#sleep(said);
  }

  /** iOS suspends the app: the flow is closed without a word. */
  async sleepSilently(): Promise<void> {
    await this.#sleep(false);
  }

  /** The user signs out: the binding is taken away, without a push token (RFC 8599 section 4.1.2). Stays awake. */
  async unregister(): Promise<boolean> {
    return this.#registration.unregister(await this.#awake());
  }

  /** A push as it would come from Apple. `voip` wakes the phone for a call, `background` for a REGISTER; `alert` is only shown. */
  receivePush(payload: unknown, kind: PushKind = 'voip'): void {
    if (this.#closed) return;
    const at = this.#clock.now();
    const callUuid = callUuidOf(payload);
    this.pushes.push({ kind, payload, at });
    if (this.pushes.length > 1000) this.pushes.shift();
    this.#emit({ type: 'pushed', kind, payload, at, ...(callUuid === undefined ? {} : { callUuid }) });
    if (kind === 'alert' || this.behaviour.deaf) return;
    if (kind === 'voip') {
      const fault = callUuid === undefined ? 'VoIP push without callwake.callUuid' : this.#callkit.pushed(callUuid);
      if (fault !== undefined) this.#fault(fault);
    }
    const { wakeDelayMs = 1500, registersPerPush = 1 } = this.behaviour;
    this.#later(wakeDelayMs, () => {
      void this.#registerTimes(registersPerPush);
    });
  }

  /** A call of this phone's own, over its server. Wakes up first if need be, and registers unless told not to. */
  async call(
    to: string,
    extras: RequestExtras = {},
    { register = true }: { readonly register?: boolean } = {},
  ): Promise<SimCall> {
    const ua = await this.#awake();
    if (register && !this.registered) await this.register();
    const { aor } = this.#options;
    const uri = to.includes(':') ? to : `sip:${to}@${parseUri(aor).host}`;
    const offer = sdpOffer({
      address: this.#address(),
      port: 16384 + 2 * Math.floor(Math.random() * 8192),
      name: 'phone',
    });
    const invite = ua.newRequest('INVITE', uri, `<${aor}>`, `<${uri}>`, { body: offer, ...extras });
    invite.set('Contact', ua.options.contact(''));
    invite.set('Session-ID', `${randomBytes(16).toString('hex')};remote=${'0'.repeat(32)}`);
    const call = new OutgoingCall(ua, invite);
    this.#watch(call);
    this.#emit({ type: 'calling', callId: call.callId, to: uri, at: this.#clock.now() });
    return call;
  }

  /** An instant message (RFC 3428). Gives status and reason of the final response. */
  async sendMessage(to: string, text: string): Promise<{ readonly status: number; readonly reason: string }> {
    const ua = await this.#awake();
    const { aor } = this.#options;
    const uri = to.includes(':') ? to : `sip:${to}@${parseUri(aor).host}`;
    const body = { body: text, contentType: 'text/plain;charset=UTF-8' };
    const { status, reason } = await ua.send(ua.newRequest('MESSAGE', uri, `<${aor}>`, `<${uri}>`, body));
    return { status, reason };
  }

  /** Ends everything without a word. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimers();
    this.#registration.forget();
    await this.#channel?.close();
    await this.#waking?.catch(() => {});
    await this.#ua?.close();
    this.#ua = undefined;
  }

  async #registerTimes(times: number): Promise<void> {
    try {
      const ua = await this.#awake();
      await Promise.all(Array.from({ length: times }, () => this.#registration.register(ua, 'foreground')));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#emit({ type: 'register-failed', status: 0, reason, at: this.#clock.now() });
    }
  }

  /** The user agent on a flow of its own, opened if the phone sleeps. */
  #awake(): Promise<UserAgent> {
    if (this.#ua) return Promise.resolve(this.#ua);
    if (this.#closed) return Promise.reject(new Error('PhoneSimulator: closed'));
    this.#waking ??= this.#wake().finally(() => {
      this.#waking = undefined;
    });
    return this.#waking;
  }

  async #wake(): Promise<UserAgent> {
    const { server, credentials, tls } = this.#options;
    this.#webHost = `${randomBytes(6).toString('hex')}.invalid`;
    const ua = await UserAgent.start({
      clock: this.#clock,
      address: this.#address(),
      port: 0,
      listen: server.transport === 'ws' || server.transport === 'wss' ? [] : [server.transport],
      tls,
      log: this.#log,
      outbound: server,
      ...(credentials ? { credentials } : {}),
      name: 'phone',
      contact: () => {
        const { purr } = this.#registration;
        return `<${this.#contactUri()}${purr === undefined ? '' : `;pn-purr=${purr}`}>`;
      },
      decorate: (message, { method }) => this.#decorate(message, method),
      onInvite: (call) => this.#onInvite(call),
      onRequest: (request) => this.#onRequest(request),
      onFault: (text) => this.#fault(text),
      onMessage: (message) => {
        for (const text of messageFaults(message)) this.#fault(text);
      },
    });
    this.#ua = ua;
    return ua;
  }

  async #sleep(said: boolean): Promise<void> {
    const ua = this.#ua;
    if (!ua) return;
    this.#ua = undefined;
    this.#registration.forget();
    await ua.close();
    this.#emit({ type: 'asleep', said, at: this.#clock.now() });
  }

  #onPushLine(line: unknown): void {
    const payload = field(line, 'payload');
    if (payload === undefined) return;
    const kind = field(line, 'pushType');
    this.receivePush(payload, kind === 'voip' || kind === 'background' ? kind : 'alert');
  }

  #onInvite(call: IncomingCall): void {
    const { invite, callUuid, callId } = call;
    const from = invite.from;
    this.#emit({
      type: 'invited',
      callId,
      ...(callUuid === undefined ? {} : { callUuid }),
      from: from.uri,
      ...(from.display === undefined ? {} : { displayName: from.display }),
      offer: invite.body.length > 0,
      at: this.#clock.now(),
    });
    if (this.#registration.tried && !this.#registration.registered) {
      // the 2xx may be in the same read, or on its way over another connection
      void this.#registration.outcome.then((accepted) => {
        if (!accepted) this.#fault(`INVITE ${callId} though the REGISTER was not accepted`);
      });
    }
    this.#checkTarget(invite);
    const { duplicate, fault } = this.#callkit.invited(callUuid);
    if (fault !== undefined) this.#fault(fault);
    if (duplicate) {
      call.reject(482);
      return;
    }
    this.#watch(call);
    const { ringDelayMs = 0, answerDelayMs = 1000, answer = true, hangupAfterMs } = this.behaviour;
    const { reliable = false, earlyMedia = false, headers = [] } = this.behaviour;
    if (answer === 'mute') return;
    this.#later(ringDelayMs, () => {
      call.ring({ reliable, media: earlyMedia, headers });
      if (answer === 'ignore') return;
      this.#later(answerDelayMs, () => {
        if (answer === true) call.accept({ headers });
        else call.reject(finalStatus(answer), { headers });
      });
    });
    if (hangupAfterMs === undefined) return;
    call.answered.then(
      () => this.#later(hangupAfterMs, () => void call.hangup().catch(() => {})),
      () => {},
    );
  }

  #onRequest(request: SipRequest): Answer {
    this.#checkTarget(request);
    if (request.method === 'OPTIONS') return { status: 200 };
    if (request.method !== 'MESSAGE' && request.method !== 'NOTIFY')
      return { status: 405, headers: [['Allow', ALLOW]] };
    const body = request.body.toString();
    const contentType = request.get('Content-Type') ?? '';
    if (request.method === 'NOTIFY') {
      const event = request.get('Event') ?? '';
      this.#emit({ type: 'notified', event, contentType, body, at: this.#clock.now() });
      return { status: 200 };
    }
    this.#emit({ type: 'message', from: request.from.uri, contentType, body, at: this.#clock.now() });
    return { status: 200 };
  }

  #watch(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length > 1000) this.#calls.shift();
    const { callId, callUuid } = call;
    const which = callUuid === undefined ? { callId } : { callId, callUuid };
    call.listener = {
      onState: (state, end) => {
        const at = this.#clock.now();
        if (state !== 'ended') this.#emit({ type: state, ...which, at });
        if (!end) return;
        if (end.how === 'cancelled' && call.direction === 'in') {
          this.#emit({ type: 'cancelled', ...which, at, ...(end.reason === undefined ? {} : { reason: end.reason }) });
        }
        this.#emit({ type: 'ended', ...which, ...end });
      },
    };
  }

  #checkTarget(request: SipRequest): void {
    const fault = this.#registration.tried ? targetFault(request, this.#contactUri()) : undefined;
    if (fault !== undefined) this.#fault(fault);
  }

  #decorate(message: SipMessage, method: string): void {
    const { platform = 'iphone', userAgent, asserts } = this.#options;
    const system = platform === 'ipad' ? 'iPad; iPadOS 18.5' : 'iPhone; iOS 18.5';
    message.set(message.kind === 'request' ? 'User-Agent' : 'Server', userAgent ?? `callwake-phone/1.0 (${system})`);
    if (method !== 'INVITE' && method !== 'OPTIONS') return;
    message.set('Allow', ALLOW);
    if (asserts !== undefined) for (const name of ASSERTED) message.set(name, asserts);
    message.set('Supported', message.kind === 'request' ? '100rel, replaces, outbound' : 'replaces, outbound');
  }

  #contactUri(): string {
    const { aor, server, sips } = this.#options;
    const user = parseUri(aor).user ?? 'phone';
    if (server.transport === 'ws' || server.transport === 'wss') return `sip:${user}@${this.#webHost};transport=ws`;
    const port = this.#ua?.local.port ?? 0;
    const transport = sips ? '' : `;transport=${server.transport}`;
    return `${sips ? 'sips' : 'sip'}:${user}@${uriHost(this.#address())}:${port}${transport}`;
  }

  #address(): string {
    return this.#options.address ?? '127.0.0.1';
  }

  #later(ms: number, fn: () => void): void {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, ms);
    this.#timers.add(timer);
  }

  #stopTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #fault(text: string): void {
    if (this.faults.length < 1000) this.faults.push(text);
    this.#emit({ type: 'fault', text, at: this.#clock.now() });
  }

  #emit(event: PhoneEvent): void {
    this.events.emit(event);
  }
}

function finalStatus(answer: false | 'busy' | 'decline' | number): number {
  if (typeof answer === 'number') return answer;
  return answer === 'busy' ? 486 : 603;
}
