import { readFileSync, writeFileSync } from 'node:fs';
import { type RunningSim, type RunOutput, running } from '../run.js';
import { ApnsSimulator, type ApnsSimulatorOptions } from './simulator.js';

/** What `callwake sim apns` takes. */
export interface RunApnsSimOptions extends ApnsSimulatorOptions, RunOutput {
  /** Signing keys to know: `TEAMID:KEYID:path of a .p8 or public key file`. */
  readonly keys?: readonly string[];
  /** Writes the certificate there, for the provider to trust. */
  readonly caFile?: string;
}

/**
 * Starts the simulator and says where it is. It runs until `close` is called.
 * @throws {Error} when a port is taken or a key can't be read
 */
export async function runApnsSim(
  options: RunApnsSimOptions = {},
): Promise<RunningSim & { readonly simulator: ApnsSimulator }> {
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const simulator = new ApnsSimulator(options);
  for (const key of options.keys ?? []) {
    const [teamId = '', keyId = '', ...path] = key.split(':');
    if (path.length === 0) throw new Error(`"${key}": a key is TEAMID:KEYID:FILE`);
    simulator.registerKey({ teamId, keyId, publicKey: readFileSync(path.join(':'), 'utf8') });
  }
  await simulator.start();
  if (options.caFile !== undefined) writeFileSync(options.caFile, simulator.ca);
  const { endpoints, phoneAddress, controlAddress } = simulator;
  for (const [environment, { host, port }] of Object.entries(endpoints)) write(`apns ${environment}: ${host}:${port}`);
  write(`phones: ${phoneAddress.host}:${phoneAddress.port} (send {"token":"<hex>"}, get a line for each push)`);
  write(`control: http://${controlAddress.host}:${controlAddress.port} (GET /status lists what is there)`);
  if (options.caFile !== undefined) write(`certificate: ${options.caFile}`);
  const { sim } = running(() => simulator.close());
  return { ...sim, simulator };
}
