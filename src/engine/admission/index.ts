export { defaultLoadLimits, LoadGuard, type LoadLimits } from './load-guard.js';
export { type LoadMeter, processLoad } from './load-meter.js';
export type { Refusal } from './refusal.js';
export { refuseScheme } from './scheme.js';
export { udpBacklog } from './udp-backlog.js';
export { RefusalLog, type UnavailableCause, unavailable } from './unavailable.js';
