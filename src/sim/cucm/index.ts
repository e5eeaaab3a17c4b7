export { CucmSimulator } from './cucm-simulator.js';
export { type RunCucmOptions, runCucmSim } from './run.js';
export type * from './types.js';
