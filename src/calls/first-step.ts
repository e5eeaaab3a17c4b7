import { bestBinding } from '../devices/best-binding.js';
import type { Binding, Device, DeviceState } from '../devices/types.js';
import type { CallContext } from './context.js';

/** How a call begins for a device. */
export interface FirstStep {
  readonly action: 'ring' | 'wake' | 'nothing';
  /** To ring it over. */
  readonly binding?: Binding;
  readonly state: DeviceState;
  /** Why it is in that state. */
  readonly reason: string;
}

/** An active device is rung, a sleeping one woken; one that no push can wake is rung over whatever binding it has. */
export function firstStep(device: Device, { stateOf, canWake }: Pick<CallContext, 'stateOf' | 'canWake'>): FirstStep {
  const { state, reason } = stateOf(device);
  const binding = bestBinding(device.bindings);
  const wakes = canWake(device);
  if (binding !== undefined && (state === 'active' || !wakes)) return { action: 'ring', binding, state, reason };
  return { action: wakes ? 'wake' : 'nothing', state, reason };
}
