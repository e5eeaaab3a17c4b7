import { withoutPush } from './contact.js';
import type { RegisterError } from './errors.js';
import { featureCap } from './feature-caps.js';
import { createPurr } from './purr.js';
import type { DeviceSettings, PushService } from './settings.js';
import { liveBindings } from './state.js';
import type { Binding, Device, RegisterAnswer, RegisterRequest } from './types.js';

type Header = readonly [string, string];

/** What a 200 to a REGISTER tells, besides the bindings. */
export interface Accepted {
  /** All devices of the AOR, as stored. */
  readonly devices: readonly Device[];
  /** Those that this REGISTER named. */
  readonly own: readonly Device[];
  readonly services: readonly PushService[];
  /** The phone sent `+sip.pnsreg` (P17). */
  readonly pnsreg: boolean;
}

/** The 200 (RFC 3261 10.3 step 8, RFC 3327 5.3, RFC 5626 section 6, RFC 8599 5.4). */
export function accept(
  request: RegisterRequest,
  accepted: Accepted,
  now: number,
  settings: DeviceSettings,
): RegisterAnswer {
  const { own, services } = accepted;
  const headers: Header[] = [];
  for (const device of settings.answerContacts === 'own' ? own : accepted.devices) {
    const mine = own.includes(device);
    for (const binding of liveBindings(device, now))
      headers.push(['Contact', contactLine(binding, mine, now, settings)]);
  }
  if (request.supported.includes('path')) for (const path of request.path) headers.push(['Path', path]);
  headers.push(['Supported', 'path, outbound']);
  const registered = own.filter((device) =>
    device.bindings.some((binding) => binding.callId === request.callId && binding.cseq === request.cseq),
  );
  if (usesOutbound(request, registered)) {
    headers.push(['Require', 'outbound']);
    const seconds = Math.floor(settings.flowTimer / 1000);
    if (seconds > 0 && request.path.length === 0) headers.push(['Flow-Timer', String(seconds)]);
  }
  for (const service of services) {
    headers.push(['Feature-Caps', featureCap(service, capExtras(accepted, registered, settings))]);
  }
  return { status: 200, reason: 'OK', headers, registered };
}

/** The answer that refuses a REGISTER. */
export function refuse(error: RegisterError): RegisterAnswer {
  return { status: error.status, reason: error.message, headers: error.headers, registered: [] };
}

/** A Contact value with its remaining seconds. Only the phone itself gets to see its push parameters (P37). */
function contactLine(binding: Binding, mine: boolean, now: number, settings: DeviceSettings): string {
  const text = binding.contact ?? `<${binding.uri}>`;
  const seconds = Math.max(1, Math.ceil((binding.expiresAt - now) / 1000));
  return `${mine ? text : withoutPush(text, settings)};expires=${seconds}`;
}

/** RFC 5626 section 6: the first hop keeps the flow, which an edge says by `ob` in its Path. */
function usesOutbound(request: RegisterRequest, registered: readonly Device[]): boolean {
  if (!request.supported.includes('outbound')) return false;
  if (!registered.some((device) => device.bindings.some(({ regId }) => regId !== undefined))) return false;
  const first = request.path.at(-1);
  return first === undefined ? !request.fromEdge : /;ob[;>=]/i.test(first);
}

function capExtras(
  { pnsreg }: Accepted,
  registered: readonly Device[],
  settings: DeviceSettings,
): { pnsregSeconds?: number; purr?: string } {
  const device = registered.find(({ tokens }) => tokens.length > 0);
  return {
    ...(pnsreg && settings.pnsregSeconds > 120 && { pnsregSeconds: settings.pnsregSeconds }),
    ...(settings.purrKey && device && { purr: createPurr(settings.purrKey, device.aor, device.id) }),
  };
}
