import type { LegRecord } from './leg.js';
import type { CallInfo, CallRecord } from './records.js';
import type { EventFields } from './timeline.js';

/** The other nodes of a site, as far as calls are concerned. */
export interface CallSite {
  /**
   * Makes this process the only one that pushes and rings for a call. Settles when it is, with what the one before it left of the
   * call; undefined when that one still rings. Without a store to ask it is at once. Never rejects.
   * @param waits whether the call is still wanted
   * @param note told of what happens meanwhile: other nodes that are asked, whom the call was taken from
   */
  claim(info: CallInfo, waits: () => boolean, note: ClaimNote): Promise<Claim | undefined>;
  /**
   * Whether a call that is over here is still no other process's, as far as can be told. Never rejects.
   * @param left a process before this one had it: others may have taken it over meanwhile, and get the time to say so
   */
  owns(info: CallInfo, left: boolean): Promise<boolean>;
  /** Whether another process is known to have the call. Never rejects. */
  isElsewhere(info: CallInfo): Promise<boolean>;
}

/** An event of the call's timeline. */
export type ClaimNote = (type: string, fields: EventFields) => void;

export interface Claim {
  /** The call as another process left it: with the same engine its INVITEs go on. */
  readonly left?: CallRecord;
  /** Whether that one's engine is this one's. */
  readonly sameEngine: boolean;
}

/**
 * What the next process does with the legs of one whose engine is gone: who was pushed isn't pushed again and is rung when he has come,
 * who refused has refused, and everybody else is called as if the call began now.
 */
export function legsWithoutEngine({ held }: CallRecord): readonly LegRecord[] {
  return (held?.legs ?? []).flatMap(({ device, state, pushedAt, final }): LegRecord[] => {
    if (state === 'ended') return final === undefined ? [] : [{ device, state, final }];
    return pushedAt === undefined ? [] : [{ device, state: 'waking', pushedAt }];
  });
}
