import type { Binding } from './types.js';

/** The binding to reach a device over: highest q, then the latest registered. */
export function bestBinding(bindings: readonly Binding[]): Binding | undefined {
  return bindings.reduce<Binding | undefined>((best, binding) => {
    if (best === undefined || binding.q > best.q) return binding;
    return binding.q === best.q && binding.registeredAt > best.registeredAt ? binding : best;
  }, undefined);
}
