export { type PhoneIdentity, pushParams } from './contact.js';
export { PhoneSimulator } from './phone-simulator.js';
export { type RunPhoneOptions, runPhoneSim } from './run.js';
export type * from './types.js';
