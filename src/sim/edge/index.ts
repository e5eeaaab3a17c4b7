export { EdgeSimulator } from './edge-simulator.js';
export { type RunEdgeOptions, runEdgeSim } from './run.js';
export type * from './types.js';
