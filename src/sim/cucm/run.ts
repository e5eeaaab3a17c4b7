import { systemClock } from '../../clock/clock.js';
import { parseSipAddress } from '../address.js';
import { printEvents, type RunningSim, type RunOutput, running } from '../run.js';
import { CucmSimulator } from './cucm-simulator.js';

/** Options of `callwake sim cucm`. */
export interface RunCucmOptions extends RunOutput {
  /** callwake's trunk address: `udp:192.0.2.1:5060`. */
  readonly trunk: string;
  readonly address?: string;
  readonly port?: number;
  readonly domain?: string;
  /** Number to call; without it the simulator waits for calls and answers OPTIONS. */
  readonly call?: string;
  readonly from?: string;
  readonly displayName?: string;
  readonly offer?: 'early' | 'delayed';
  /** How many calls, one after the other; default 1. */
  readonly count?: number;
  /** Default 3000. */
  readonly hangupAfterMs?: number;
  /** Send CANCEL this long after the INVITE. */
  readonly cancelAfterMs?: number;
  readonly pingIntervalMs?: number;
}

/** Runs a simulated CUCM; one JSON line per event. Rejects when the port is taken or the trunk address can't be read. */
export async function runCucmSim(options: RunCucmOptions): Promise<RunningSim> {
  const { trunk, call, count = 1, hangupAfterMs = 3000, cancelAfterMs, from, displayName, offer } = options;
  const cucm = new CucmSimulator({
    trunk: parseSipAddress(trunk),
    ...(options.address === undefined ? {} : { address: options.address }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.domain === undefined ? {} : { domain: options.domain }),
    ...(options.pingIntervalMs === undefined ? {} : { pingIntervalMs: options.pingIntervalMs }),
  });
  printEvents('cucm', cucm.events, options);
  await cucm.start();
  const { sim, finish } = running(() => cucm.close());
  if (call === undefined) return sim;
  const callAll = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const one = cucm.call({
        to: call,
        hangupAfterMs,
        ...(from === undefined ? {} : { from }),
        ...(displayName === undefined ? {} : { displayName }),
        ...(offer === undefined ? {} : { offer }),
      });
      const timer = cancelAfterMs === undefined ? undefined : systemClock.setTimeout(() => one.cancel(), cancelAfterMs);
      await one.ended;
      timer?.cancel();
    }
    finish();
  };
  void callAll();
  return sim;
}
