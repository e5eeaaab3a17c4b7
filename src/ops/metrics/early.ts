import { Listeners } from '../listeners.js';
import type { Operations } from '../operations.js';

type Told = Pick<Operations, 'onCallEvent' | 'onRegistered' | 'onRegisterRefused' | 'onPush'>;

/** How much is kept until somebody listens. */
const MOST = 20_000;

/**
 * Listens from now on, for metrics that are made a little later, when the rest of the API is loaded: after a restart calls are taken over
 * at once, and should be counted. The first to listen hears what came before.
 */
export function fromNowOn<T extends Told>(operations: T): T & Told {
  return {
    ...operations,
    onCallEvent: kept((tell) => operations.onCallEvent(tell)),
    onRegistered: kept((tell) => operations.onRegistered(tell)),
    onRegisterRefused: kept((tell) => operations.onRegisterRefused(tell)),
    onPush: kept((tell) => operations.onPush(tell)),
  };
}

/** Subscribes now; what is told before the first listener comes is kept for it. */
function kept<Args extends unknown[]>(subscribe: (tell: (...args: Args) => void) => void) {
  const listeners = new Listeners<Args>();
  let early: Args[] | undefined = [];
  subscribe((...args) => {
    if (early === undefined) listeners.tell(args);
    else if (early.length < MOST) early.push(args);
  });
  return (listener: (...args: Args) => void): void => {
    for (const args of early ?? []) listener(...args);
    early = undefined;
    listeners.add((args) => listener(...args));
  };
}
