import { type Clock, systemClock, type Timer } from '../../clock/clock.js';
import { formatNameAddr, parseNameAddr } from '../../grammar/name-addr.js';
import { parseUri } from '../../grammar/uri.js';
import { type SipAddress, uriHost } from '../address.js';
import type { Call } from '../ua/call.js';
import { Events } from '../ua/events.js';
import { describe, pushParameters } from '../ua/faults.js';
import type { IncomingCall } from '../ua/incoming-call.js';
import { MessageLog, peerOf } from '../ua/message-log.js';
import { OutgoingCall } from '../ua/outgoing-call.js';
import type { Endpoint, Flow, SipMessage, SipRequest } from '../ua/stack.js';
import type { RecordedMessage, RequestExtras, SimCall } from '../ua/types.js';
import { type Answer, UserAgent } from '../ua/user-agent.js';
import { cucmInvite } from './invite.js';
import type { CucmBehaviour, CucmCallOptions, CucmEvent, CucmSimulatorOptions } from './types.js';

/** A Cisco Unified CM 12.5 as its SIP trunk shows it: calls to callwake, calls from callwake, OPTIONS ping. */
export class CucmSimulator {
  readonly events = new Events<CucmEvent>();
  /** What callwake did wrong in this side's view. */
  readonly faults: string[] = [];
  /** May be changed at any time. */
  behaviour: CucmBehaviour;
  /** The trunk's far end. May be changed at any time. */
  trunk: SipAddress;
  readonly #options: CucmSimulatorOptions;
  readonly #clock: Clock;
  readonly #log: MessageLog;
  readonly #calls: SimCall[] = [];
  readonly #timers = new Set<Timer>();
  #ua: UserAgent | undefined;
  #inService = true;

  constructor(options: CucmSimulatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = new MessageLog(this.#clock);
    this.behaviour = options.behaviour ?? {};
    this.trunk = options.trunk;
  }

  /** Opens the sockets, and begins to ping if asked for. Throws when the port is taken. */
  async start(): Promise<this> {
    const { address = '127.0.0.1', port = 0, pingIntervalMs, tls } = this.#options;
    this.#ua = await UserAgent.start({
      clock: this.#clock,
      address,
      port,
      listen: ['udp', this.trunk.transport === 'tls' ? 'tls' : 'tcp'],
      tls,
      log: this.#log,
      name: 'CiscoSystemsCCM-SIP',
      contact: (transport) => `<sip:${uriHost(address)}:${this.local.port};transport=${transport}>`,
      decorate: (message, { method, inDialog }) => this.#decorate(message, method, inDialog),
      onInvite: (call) => this.#onInvite(call),
      onRequest: (request, flow) => this.#onRequest(request, flow),
      onFault: (text) => this.#fault(text),
      onMessage: (message) => {
        const leaked = pushParameters(message);
        if (leaked) this.#fault(`push parameter ${leaked} on the trunk, in ${describe(message)}`);
      },
    });
    const listening = `${uriHost(address)}:${this.local.port}`;
    this.#emit({ type: 'listening', address: listening, at: this.#clock.now() });
    if (pingIntervalMs !== undefined) this.#pingEvery(pingIntervalMs);
    return this;
  }

  /** Where it listens. */
  get local(): Endpoint {
    return this.#started().local;
  }

  /** What the last OPTIONS ping said of the trunk. True until one failed. */
  get inService(): boolean {
    return this.#inService;
  }

  /** Messages got and sent, in order. */
  get messages(): readonly RecordedMessage[] {
    return this.#log.entries;
  }

  /** The latest calls in both directions, at most 1000. */
  get calls(): readonly SimCall[] {
    return this.#calls;
  }

  /** Sends an INVITE to the trunk. */
  call(options: CucmCallOptions): SimCall {
    const ua = this.#started();
    const { trunk } = this;
    const { domain = uriHost(trunk.host) } = this.#options;
    const invite = cucmInvite(ua, domain, trunk.transport, options);
    const call = new OutgoingCall(ua, invite, this.#trunkTarget());
    this.#watch(call);
    const { callId } = call;
    this.#emit({ type: 'calling', callId, to: options.to, from: options.from ?? '1001', at: this.#clock.now() });
    const { hangupAfterMs } = options;
    if (hangupAfterMs !== undefined) {
      call.answered.then(
        () => this.#later(hangupAfterMs, () => void call.hangup().catch(() => {})),
        () => {},
      );
    }
    return call;
  }

  /** One OPTIONS to the trunk. In service is any answer but 408 and 503; `status` 408 stands for no answer too. */
  async ping(): Promise<{ readonly status: number; readonly inService: boolean }> {
    const ua = this.#started();
    const { trunk } = this;
    const there = `sip:${uriHost(trunk.host)}:${trunk.port}`;
    const request = ua.newRequest('OPTIONS', there, `<sip:${uriHost(this.local.address)}>`, `<${there}>`);
    request.set('Contact', ua.options.contact(trunk.transport));
    request.set('Max-Forwards', '0');
    let status = 408;
    try {
      status = (await ua.send(request, undefined, this.#trunkTarget())).status;
    } catch {
      status = 408;
    }
    this.#inService = status !== 408 && status !== 503;
    const result = { status, inService: this.#inService };
    this.#emit({ type: 'ping', ...result, at: this.#clock.now() });
    return result;
  }

  /** Sends a request outside of any call (MESSAGE, NOTIFY, ...) to the trunk; gives status and reason of its final response. */
  async send(method: string, to: string, extras: RequestExtras = {}): Promise<{ status: number; reason: string }> {
    const ua = this.#started();
    const { trunk } = this;
    const { domain = uriHost(trunk.host) } = this.#options;
    const uri = `sip:${to}@${domain}`;
    const request = ua.newRequest(method, uri, `<sip:1001@${uriHost(this.local.address)}>`, `<${uri}>`, extras);
    const { status, reason } = await ua.send(request, undefined, this.#trunkTarget());
    return { status, reason };
  }

  /** Tells of voice messages as CUCM does to set a phone's lamp: NOTIFY message-summary, unasked (RFC 3842). Gives the final response. */
  voicemail(
    to: string,
    counts: { readonly new: number; readonly old: number },
  ): Promise<{ status: number; reason: string }> {
    return this.send('NOTIFY', to, {
      headers: [
        ['Event', 'message-summary'],
        ['Subscription-State', 'active'],
        ['Contact', this.#started().options.contact(this.trunk.transport)],
      ],
      contentType: 'application/simple-message-summary',
      body: `Messages-Waiting: ${counts.new > 0 ? 'yes' : 'no'}\r\nVoice-Message: ${counts.new}/${counts.old} (0/0)\r\n`,
    });
  }

  /** Ends all calls without a word and closes the sockets. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await this.#ua?.close();
  }

  #trunkTarget(): { protocol: SipAddress['transport']; host: string; port: number } {
    const { transport, host, port } = this.trunk;
    return { protocol: transport, host, port };
  }

  #started(): UserAgent {
    if (!this.#ua) throw new Error('CucmSimulator: call start() first');
    return this.#ua;
  }

  #decorate(message: SipMessage, method: string, inDialog: boolean): void {
    message.set('Date', new Date(this.#clock.now()).toUTCString());
    if (message.kind === 'request') {
      message.set('User-Agent', 'Cisco-CUCM12.5');
      if (inDialog && (method === 'INVITE' || method === 'UPDATE')) {
        message.set('Supported', 'timer,resource-priority,replaces');
        message.set('Min-SE', '1800');
        message.set('Session-Expires', '1800;refresher=uac');
      }
      return;
    }
    message.set('Server', 'Cisco-CUCM12.5');
    if (message.status >= 300 || message.status <= 100 || method !== 'INVITE') return;
    message.set('Allow', 'INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY');
    message.set('Allow-Events', 'presence');
    if (message.status < 200) return;
    message.set('Supported', 'replaces');
    message.add('Supported', 'X-cisco-srtp-fallback');
    message.set('Session-Expires', '1800;refresher=uas');
    message.set('Require', 'timer');
    const callee = formatNameAddr({
      ...parseNameAddr(message.get('To') ?? ''),
      params: parseNameAddr('<sip:x>').params,
    });
    message.set('P-Asserted-Identity', callee);
    message.add('Remote-Party-ID', `${callee};party=called;screen=yes;privacy=off`);
    message.add('Remote-Party-ID', `${callee};party=x-cisco-original-called;privacy=off`);
  }

  #onInvite(call: IncomingCall): void {
    const { invite } = call;
    this.#watch(call);
    const to = parseUri(invite.uri).user ?? '';
    const from = parseUri(invite.from.uri).user ?? '';
    this.#emit({ type: 'invited', callId: call.callId, to, from, at: this.#clock.now() });
    const { answer = true, answerDelayMs = 0, hangupAfterMs, reliable = false } = this.behaviour;
    if (answer === 'mute') return;
    if (typeof answer === 'number') {
      call.reject(answer);
      return;
    }
    if (answer === 'busy' || answer === 'decline' || answer === false) {
      const busy = answer === 'busy';
      call.reject(busy ? 486 : 603, { headers: [['Reason', `Q.850;cause=${busy ? 17 : 21}`]] });
      return;
    }
    call.ring({ reliable });
    if (answer === 'ignore') return;
    this.#later(answerDelayMs, () => call.accept());
    if (hangupAfterMs !== undefined) {
      call.answered.then(
        () => this.#later(hangupAfterMs, () => void call.hangup().catch(() => {})),
        () => {},
      );
    }
  }

  #onRequest(request: SipRequest, flow: Flow): Answer {
    if (request.method === 'OPTIONS') {
      this.#emit({ type: 'pinged', from: peerOf(flow), at: this.#clock.now() });
      return { status: this.behaviour.optionsStatus ?? 200 };
    }
    if (request.method === 'MESSAGE') {
      const from = request.from.uri;
      const contentType = request.get('Content-Type') ?? '';
      this.#emit({ type: 'message', from, contentType, body: request.body.toString(), at: this.#clock.now() });
      return { status: 200 };
    }
    return request.method === 'NOTIFY' || request.method === 'INFO' ? { status: 200 } : { status: 405 };
  }

  #watch(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length > 1000) this.#calls.shift();
    const { callId } = call;
    call.listener = {
      onResponse: (response) => {
        if (call.direction !== 'out') return;
        const { status, reason, afterMs } = response;
        this.#emit({ type: 'response', callId, status, reason, afterMs, at: this.#clock.now() });
      },
      onRequest: (request) => this.#emit({ type: 'request', callId, method: request.method, at: this.#clock.now() }),
      onState: (state, end) => {
        if (state === 'answered') this.#emit({ type: 'answered', callId, at: this.#clock.now() });
        if (state === 'ended' && end) this.#emit({ type: 'ended', callId, ...end });
      },
    };
  }

  #pingEvery(ms: number): void {
    this.#later(ms, () => {
      void this.ping().finally(() => this.#pingEvery(ms));
    });
  }

  #later(ms: number, fn: () => void): void {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      fn();
    }, ms);
    this.#timers.add(timer);
  }

  #fault(text: string): void {
    if (this.faults.length < 1000) this.faults.push(text);
    this.#emit({ type: 'fault', text, at: this.#clock.now() });
  }

  #emit(event: CucmEvent): void {
    this.events.emit(event);
  }
}
