export { defaultLoadLimits, LoadGuard, type LoadLimits } from './load-guard.js';
export type { LoadMeter } from './load-meter.js';
export type { Refusal } from './refusal.js';
export { refuseScheme } from './scheme.js';
