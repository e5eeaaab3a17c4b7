import type { PhoneAnswer, PhoneProbe } from '../calls/phone-probe.js';
import { REASONS } from '../calls/port.js';
import type { Clock } from '../clock/clock.js';
import type { Binding, Device } from '../devices/types.js';
import { randomCallId, randomTag } from '../grammar/token.js';
import { branchTag, deviceDialogId } from './dialogs.js';
import type { Drachtio, SrfResponse } from './drachtio.js';
import { InviteBranch, LegResponse, routed } from './invite-branch.js';
import { CALL_UUID_HEADER } from './trunk-call.js';

export interface DeviceProbeOptions {
  readonly drachtio: Drachtio;
  readonly clock: Clock;
  /** Address of record that the requests come from. */
  readonly from: string;
  /** Display name that the phone may show. */
  readonly name: string;
  /** How long an answer is waited for, in milliseconds. */
  readonly patience: number;
}

/** Asks phones over the SIP engine. */
export class DeviceProbe implements PhoneProbe {
  readonly #options: DeviceProbeOptions;

  constructor(options: DeviceProbeOptions) {
    this.#options = options;
  }

  options({ aor }: Device, binding: Binding): Promise<PhoneAnswer> {
    const { drachtio } = this.#options;
    return this.#inTime((answer) => {
      const headers = {
        ...this.#headers(aor, randomCallId(), randomTag()),
        accept: 'application/sdp',
      };
      drachtio.request(
        { method: 'OPTIONS', ...routed(binding.uri, drachtio.flows.pathTo(binding)), headers },
        (error, req) => {
          if (error !== undefined || req === undefined) {
            answer(new LegResponse(503, error?.message ?? 'Service Unavailable'));
            return;
          }
          req.on('response', (res: SrfResponse) => {
            if (res.status >= 200) answer(new LegResponse(res.status, res.reason, res));
          });
        },
      );
    });
  }

  async ringBriefly(device: Device, binding: Binding, callUuid: string): Promise<PhoneAnswer> {
    const id = randomCallId();
    const started: { branch?: InviteBranch } = {};
    const answer = await this.#inTime((answered) => {
      started.branch = new InviteBranch(
        this.#options.drachtio,
        {
          id,
          party: { kind: 'device', aor: device.aor, deviceId: device.id },
          ...routed(binding.uri, this.#options.drachtio.flows.pathTo(binding)),
          headers: {
            ...this.#headers(device.aor, id, branchTag(id)),
            allow: 'INVITE, ACK, CANCEL, BYE, OPTIONS',
            [CALL_UUID_HEADER]: callUuid,
          },
          body: '',
          dialogId: deviceDialogId(id),
        },
        {
          provisional: (response) => answered(response),
          answered: (response) => {
            answered(response);
            started.branch?.drop(REASONS.cancelled);
          },
          failed: (response) => answered(response),
        },
        (_req, res) => this.#options.drachtio.respond(res, 491, 'Request Pending'),
        () => {},
      );
    });
    started.branch?.cancel(REASONS.cancelled);
    return answer;
  }

  #headers(aor: string, callId: string, tag: string) {
    const { from, name } = this.#options;
    return {
      from: `"${name}" <${from}>;tag=${tag}`,
      to: `<${aor}>`,
      'call-id': callId,
      'max-forwards': '70',
    };
  }

  /** The first answer, or 408 when none came in time. */
  #inTime(ask: (answer: (response: PhoneAnswer) => void) => void): Promise<PhoneAnswer> {
    const { clock, patience } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => resolve(new LegResponse(408, 'Request Timeout')), patience);
      ask(({ status, reason, local = false }) => {
        timer.cancel();
        resolve({ status, reason, local });
      });
    });
  }
}
