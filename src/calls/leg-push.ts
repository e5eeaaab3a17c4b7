import type { Device } from '../devices/types.js';
import type { PushOutcome } from '../push/provider.js';
import type { CallContext } from './context.js';
import type { Leg } from './leg.js';
import { outcomeFields } from './timeline.js';
import type { WriteAhead } from './write-ahead.js';

/** What a push asks of its call. */
export interface PushingCall {
  readonly context: Pick<CallContext, 'clock' | 'timeline' | 'wake'>;
  readonly ahead: WriteAhead;
  /** Epoch milliseconds. */
  readonly holdUntil: number;
  /** Whether the call still waits for devices. */
  readonly waits: () => boolean;
  /** The leg has ended: its device can't be woken. */
  readonly onFailed: () => void;
}

/** A push that an operator asked for. */
export interface AnotherPush {
  readonly device: Device;
  readonly outcome: Promise<PushOutcome>;
}

/**
 * Pushes once more to devices that have their push and haven't come. Whatever becomes of it, the call waits on: the first push may bring
 * the device yet.
 */
export function pushAgain(legs: readonly Leg[], call: PushingCall): readonly AnotherPush[] {
  return legs.map((leg) => ({ device: leg.device, outcome: again(leg, call) }));
}

async function again(leg: Leg, { context, holdUntil, waits }: PushingCall): Promise<PushOutcome> {
  context.timeline.record('push-asked', { device: leg.device.id, again: true });
  const outcome = await context.wake(leg.device, holdUntil, () => leg.state === 'waking' && waits());
  context.timeline.record(`push-${outcome.kind}`, { device: leg.device.id, ...outcomeFields(outcome) });
  return outcome;
}

/** Has the device of a leg woken: the one push that it gets for this call. */
export function pushLeg(leg: Leg, call: PushingCall): void {
  const { context, ahead, holdUntil } = call;
  leg.pushed = true;
  context.timeline.record('push-asked', { device: leg.device.id });
  ahead.soon(() => {
    const pushing = context.wake(
      leg.device,
      holdUntil,
      () => isStillWanted(leg, call),
      () => onLeave(leg, call),
    );
    void pushing.then((outcome) => onPushed(leg, call, outcome));
  }, true);
}

/** Asked before the push is sent; false if nobody wants it any more. From then on there is no second one in this process. */
function isStillWanted(leg: Leg, { context, waits }: PushingCall): boolean {
  if (leg.state !== 'waking' || !waits()) return false;
  leg.pushedAt ??= context.clock.now();
  return true;
}

/** From now on there is no second one in the next process either. */
function onLeave(leg: Leg, { ahead, waits }: PushingCall): void {
  if (leg.pushHasLeft) return;
  leg.pushHasLeft = true;
  if (waits()) ahead.save();
}

function onPushed(leg: Leg, { context, ahead, waits, onFailed }: PushingCall, outcome: PushOutcome): void {
  const failed = outcome.kind === 'refused' || outcome.kind === 'unreachable';
  context.timeline.record(`push-${outcome.kind}`, { device: leg.device.id, ...outcomeFields(outcome) });
  if (!failed || leg.state !== 'waking' || !waits()) return;
  leg.pushFailed = true;
  leg.to('ended');
  ahead.save();
  onFailed();
}
