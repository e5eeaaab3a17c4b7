import { parseServerAddress, parseSipAddress } from '../address.js';
import { printEvents, type RunningSim, type RunOutput, running } from '../run.js';
import { PhoneSimulator } from './phone-simulator.js';
import type { PhoneBehaviour } from './types.js';

/** Options of `callwake sim phone`. */
export interface RunPhoneOptions extends RunOutput {
  /** `sip:2001@corp.example` */
  readonly aor: string;
  /** The edge or registrar: `tcp:192.0.2.1:5060`, `wss:192.0.2.1:443`. */
  readonly server: string;
  readonly platform?: 'iphone' | 'ipad';
  readonly instance?: string;
  readonly userAgent?: string;
  readonly deviceName?: string;
  readonly voipToken?: string;
  readonly alertToken?: string;
  readonly teamId?: string;
  readonly bundleId?: string;
  /** The Apple simulator's phone port: `127.0.0.1:2198`. */
  readonly pushes?: string;
  readonly environment?: 'production' | 'sandbox';
  readonly address?: string;
  readonly expires?: number;
  readonly username?: string;
  readonly password?: string;
  readonly behaviour?: PhoneBehaviour;
  /** Go to sleep at once after the first registration. */
  readonly sleep?: 'background' | 'silently';
  /** Number to call after the registration. */
  readonly call?: string;
}

/** Runs a simulated phone; one JSON line per event. Rejects when an address can't be read or the push port can't be reached. */
export async function runPhoneSim(options: RunPhoneOptions): Promise<RunningSim> {
  const { aor, server, pushes, username, password, sleep, call, write: _write, ...rest } = options;
  const apple = pushes === undefined ? undefined : parseSipAddress(pushes);
  const phone = new PhoneSimulator({
    ...rest,
    aor,
    server: parseServerAddress(server),
    ...(apple ? { pushes: { host: apple.host, port: apple.port } } : {}),
    ...(username !== undefined && password !== undefined ? { credentials: { username, password } } : {}),
  });
  printEvents('phone', phone.events, options);
  const { sim } = running(() => phone.close());
  try {
    await phone.start();
  } catch (error) {
    await phone.close();
    throw error;
  }
  if (call !== undefined) await phone.call(call);
  if (sleep === 'background') await phone.background();
  if (sleep === 'silently') await phone.sleepSilently();
  return sim;
}
