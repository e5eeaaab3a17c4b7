import { dialogIdOf } from './dialogs.js';
import type { DialogName } from './replaces.js';

/** Who is at the end of one side of a joined call. */
export type Party =
  | { readonly kind: 'device'; readonly aor: string; readonly deviceId?: string }
  | { readonly kind: 'trunk'; readonly trunk: string };

/** One side of a joined call, as callwake's own dialog there. */
export interface JointSide {
  readonly dialogId: string;
  readonly callId: string;
  /** The tag of callwake on this side. Undefined while it isn't known, as after a restart. */
  readonly ourTag: () => string | undefined;
  readonly peerTag: string;
  /** The peer's Contact URI. */
  readonly contact: string | undefined;
  readonly party: Party;
}

/** A dialog that was looked for, and what it is on the way to the peer that has to match it. */
export interface Found {
  /** The side whose peer is to match it. */
  readonly side: JointSide;
  /** As that peer knows it. */
  readonly name: DialogName;
  /** It was named as that peer knows it already. */
  readonly asIs: boolean;
}

interface Entry {
  readonly here: JointSide;
  readonly there: JointSide;
}

/** A joined call. */
export interface Joined {
  readonly callUuid: string;
  /** BYE to both sides with that Reason header. */
  readonly hangUp: (reason: string) => void;
}

/** Joined calls by their dialogs, for requests that name a dialog from outside (Replaces, RFC 3891). */
export class Joints {
  readonly #entries = new Map<string, Entry>();
  readonly #joined = new Map<string, Set<Joined>>();

  get size(): number {
    return this.#entries.size;
  }

  /** Adds the two sides of a call. Gives the way to remove them. */
  add(one: JointSide, other: JointSide, joined: Joined): () => void {
    const { callUuid } = joined;
    this.#entries.set(one.dialogId, { here: one, there: other });
    this.#entries.set(other.dialogId, { here: other, there: one });
    const same = this.#joined.get(callUuid) ?? new Set<Joined>();
    this.#joined.set(callUuid, same.add(joined));
    return () => {
      this.#entries.delete(one.dialogId);
      this.#entries.delete(other.dialogId);
      same.delete(joined);
      if (same.size === 0) this.#joined.delete(callUuid);
    };
  }

  /** Hangs the call up on both sides. False when it isn't up. */
  hangUp(callUuid: string, reason: string): boolean {
    const joined = [...(this.#joined.get(callUuid) ?? [])];
    for (const call of joined) call.hangUp(reason);
    return joined.length > 0;
  }

  /**
   * Looks a dialog up that somebody wants to be replaced. Named as callwake would match it, it is the dialog on the call's other side,
   * whose peer has to match it; named as a peer of callwake's knows it, it is that very dialog. Undefined: no call of ours.
   */
  find({ callId, toTag, fromTag }: DialogName): Found | undefined {
    const entry =
      this.#entries.get(dialogIdOf(callId, fromTag)) ?? this.#entries.get(dialogIdOf(callId, toTag)) ?? undefined;
    if (entry === undefined) return undefined;
    const { here, there } = entry;
    const ourTag = here.ourTag();
    if (toTag === here.peerTag && (ourTag === undefined || fromTag === ourTag)) {
      return { side: here, name: { callId, toTag, fromTag }, asIs: true };
    }
    if (fromTag !== here.peerTag || (ourTag !== undefined && toTag !== ourTag)) return undefined;
    const otherTag = there.ourTag();
    if (otherTag === undefined) return undefined;
    return { side: there, name: { callId: there.callId, toTag: there.peerTag, fromTag: otherTag }, asIs: false };
  }
}
