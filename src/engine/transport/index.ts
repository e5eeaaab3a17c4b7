export { TransportLayer, type TransportLayerOptions } from './layer.js';
export { defaultTransportLimits, type TransportLimits } from './limits.js';
export { RecentSet } from './recent-set.js';
export { addressTarget, protocolOf } from './resolve.js';
export type { NaptrRecord, Resolver, SrvRecord } from './resolver.js';
export type { ShownCertificate } from './server-certificates.js';
export { defaultPort, plainHost, uriHost } from './stamp.js';
export { resolverOf } from './system-resolver.js';
export type * from './types.js';
