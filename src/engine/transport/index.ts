export { TransportLayer, type TransportLayerOptions } from './layer.js';
export { defaultTransportLimits, type TransportLimits } from './limits.js';
export type * from './types.js';
