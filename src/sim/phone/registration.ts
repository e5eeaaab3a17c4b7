import type { Timer } from '../../clock/clock.js';
import { parseNameAddr } from '../../grammar/name-addr.js';
import { randomCallId } from '../../grammar/token.js';
import { parseUri } from '../../grammar/uri.js';
import type { SipRequest, SipResponse } from '../ua/stack.js';
import type { UserAgent } from '../ua/user-agent.js';
import { contactParams, type PhoneIdentity, pushParams, readFeatureCaps } from './contact.js';
import type { PhoneEvent, PhoneSimulatorOptions } from './types.js';

const TRIES = 5;
const RETRY_MS = 2000;
const FIRST_CSEQ = 100;

export interface RegistrationUser {
  emit(event: PhoneEvent): void;
  fault(text: string): void;
  /** URI of the phone's Contact, without push parameters. */
  contactUri(): string;
}

/** The phone's REGISTERs: one Call-ID, rising CSeq, refreshed at half of the time granted while the phone is awake. */
export class Registration {
  readonly #who: PhoneIdentity;
  readonly #options: PhoneSimulatorOptions;
  readonly #user: RegistrationUser;
  readonly #callId = randomCallId();
  #cseq = FIRST_CSEQ;
  #refresh: Timer | undefined;
  readonly #waiting = new Set<(goOn: boolean) => void>();
  #registered = false;
  #underWay: Promise<boolean> = Promise.resolve(false);
  #purr: string | undefined;

  constructor(who: PhoneIdentity, options: PhoneSimulatorOptions, user: RegistrationUser) {
    this.#who = who;
    this.#options = options;
    this.#user = user;
  }

  /** A REGISTER over the present flow was answered with 2xx. */
  get registered(): boolean {
    return this.#registered;
  }

  /** Whether the REGISTER that is under way, or was last, was answered with 2xx. */
  get outcome(): Promise<boolean> {
    return this.#underWay;
  }

  /** The phone registers at all: any call has to come through its registrar then. */
  get tried(): boolean {
    return this.#cseq > FIRST_CSEQ;
  }

  /** The latest PURR that the network gave (RFC 8599 section 6), for Contacts of dialogs. */
  get purr(): string | undefined {
    return this.#purr;
  }

  /** The flow is gone. */
  forget(): void {
    this.#refresh?.cancel();
    for (const end of this.#waiting) end(false);
    this.#registered = false;
  }

  /**
   * Registers, trying again after no answer, 408 and 5xx. True when the registrar said 2xx; everything else is told by events.
   */
  register(ua: UserAgent, state: 'foreground' | 'background', tries = TRIES): Promise<boolean> {
    this.#underWay = this.#register(ua, state, tries);
    return this.#underWay;
  }

  async #register(ua: UserAgent, state: 'foreground' | 'background', tries: number): Promise<boolean> {
    this.#refresh?.cancel();
    const { expires = 3600, saysState = true } = this.#options;
    const word = saysState ? `;app-state=${state}` : '';
    const contact = `<${this.#user.contactUri()}${pushParams(this.#who)}>${contactParams(this.#who, this.#options)}`;
    const request = this.#request(ua, `${contact};expires=${expires}${word}`, expires);
    this.#user.emit({ type: 'registering', state, expires, at: ua.clock.now() });
    const response = await this.#send(ua, request);
    if (response && response.status < 300) {
      this.#onSuccess(ua, state, response, expires);
      return true;
    }
    const status = response?.status ?? 408;
    const reason = response?.reason ?? 'no answer';
    this.#user.emit({ type: 'register-failed', status, reason, at: ua.clock.now() });
    if (tries <= 1 || (status !== 408 && status < 500) || ua.closed) return false;
    const retried = await this.#wait(ua, RETRY_MS);
    return retried ? this.#register(ua, state, tries - 1) : false;
  }

  /** False when the phone fell asleep meanwhile. */
  #wait(ua: UserAgent, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (goOn: boolean): void => {
        timer.cancel();
        this.#waiting.delete(end);
        resolve(goOn && !ua.closed);
      };
      const timer = ua.clock.setTimeout(() => end(true), ms);
      this.#waiting.add(end);
    });
  }

  /** Takes the binding away: no push parameters (RFC 8599 section 4.1.2). */
  async unregister(ua: UserAgent): Promise<boolean> {
    this.#refresh?.cancel();
    const contact = `<${this.#user.contactUri()}>${contactParams(this.#who, this.#options)};expires=0`;
    const response = await this.#send(ua, this.#request(ua, contact, 0));
    this.#registered = false;
    const at = ua.clock.now();
    if (response && response.status < 300) {
      this.#user.emit({ type: 'unregistered', at });
      return true;
    }
    const status = response?.status ?? 408;
    this.#user.emit({ type: 'register-failed', status, reason: response?.reason ?? 'no answer', at });
    return false;
  }

  #request(ua: UserAgent, contact: string, expires: number): SipRequest {
    const { aor } = this.#options;
    const request = ua.newRequest('REGISTER', `sip:${parseUri(aor).host}`, `<${aor}>`, `<${aor}>`);
    request.set('Call-ID', this.#callId);
    this.#cseq += 1;
    request.set('CSeq', `${this.#cseq} REGISTER`);
    request.set('Contact', contact);
    request.set('Expires', String(expires));
    request.set('Supported', 'path, outbound, gruu');
    return request;
  }

  async #send(ua: UserAgent, request: SipRequest): Promise<SipResponse | undefined> {
    const next = (): number => {
      this.#cseq += 1;
      return this.#cseq;
    };
    try {
      return await ua.send(request, next);
    } catch {
      return undefined;
    }
  }

  #onSuccess(ua: UserAgent, state: 'foreground' | 'background', response: SipResponse, asked: number): void {
    const caps = readFeatureCaps(response.list('Feature-Caps'));
    for (const fault of caps.faults) this.#user.fault(fault);
    this.#purr = caps.purr ?? this.#purr;
    const granted = this.#granted(response) ?? asked;
    if (!ua.closed) {
      this.#registered = true;
      this.#refresh?.cancel();
      const half = Math.max(1, granted / 2) * 1000;
      this.#refresh = ua.clock.setTimeout(() => void this.register(ua, 'foreground').catch(() => {}), half);
    }
    this.#user.emit({ type: 'registered', state, expires: granted, at: ua.clock.now() });
  }

  /** Seconds granted to our Contact, which has to be in a 2xx (RFC 3261 section 10.3 step 8). */
  #granted(response: SipResponse): number | undefined {
    for (const value of response.list('Contact')) {
      if (!value.includes(this.#who.instance) && !value.includes(this.#user.contactUri())) continue;
      const expires = parseNameAddr(value).params.get('expires') ?? response.get('Expires');
      return expires === undefined || !/^\d+$/.test(expires) ? undefined : Number(expires);
    }
    this.#user.fault('REGISTER 2xx without our Contact');
    return undefined;
  }
}
