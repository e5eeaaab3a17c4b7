export { detached } from './kept.js';
export { TransactionLayer, type TransactionLayerOptions } from './layer.js';
export { type TimerSettings, timerSettings } from './timers.js';
export type * from './types.js';
