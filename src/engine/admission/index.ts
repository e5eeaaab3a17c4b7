export { defaultLoadLimits, LoadGuard, type LoadLimits } from './load-guard.js';
export type { Refusal } from './refusal.js';
export { refuseScheme } from './scheme.js';
export { RefusalLog, type UnavailableCause, unavailable } from './unavailable.js';
