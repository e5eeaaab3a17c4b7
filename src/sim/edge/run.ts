import { parseSipAddress } from '../address.js';
import { printEvents, type RunningSim, type RunOutput, running } from '../run.js';
import { EdgeSimulator } from './edge-simulator.js';
import type { EdgeMode } from './types.js';

/** Options of `callwake sim edge`. */
export interface RunEdgeOptions extends RunOutput {
  readonly mode: EdgeMode;
  /** callwake: `udp:192.0.2.1:5060`. */
  readonly core: string;
  readonly address?: string;
  readonly phonePort?: number;
  readonly corePort?: number;
}

/** Runs a simulated edge; one JSON line per event. Rejects when a port is taken or the core's address can't be read. */
export async function runEdgeSim(options: RunEdgeOptions): Promise<RunningSim> {
  const { core, write: _write, ...rest } = options;
  const edge = new EdgeSimulator({ ...rest, core: parseSipAddress(core) });
  printEvents('edge', edge.events, options);
  await edge.start();
  return running(() => edge.close()).sim;
}
