export { detached } from './kept.js';
export { type Load, TransactionLayer, type TransactionLayerOptions } from './layer.js';
export { type TimerSettings, timerSettings } from './timers.js';
export type * from './types.js';
