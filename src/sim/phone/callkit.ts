const REMEMBERED = 500;

/** What the phone knows of one CallKit UUID. */
interface Shown {
  pushed: boolean;
  invited: boolean;
}

/** The calls that CallKit shows, by UUID: one ring each, whichever of push and INVITE comes first. */
export class CallKit {
  #calls = new Map<string, Shown>();

  /** A push came. Gives what is wrong with it. */
  pushed(uuid: string): string | undefined {
    const call = this.#get(uuid);
    if (call.pushed) return `second push for call ${uuid}`;
    call.pushed = true;
    return undefined;
  }

  /**
   * An INVITE came. `duplicate`: that call has rung here before. `fault`: the UUID isn't one that a push named, while a push waits
   * for its call.
   */
  invited(uuid: string | undefined): { readonly duplicate: boolean; readonly fault?: string } {
    const waiting = [...this.#calls].filter(([, call]) => call.pushed && !call.invited).map(([known]) => known);
    if (uuid === undefined) {
      return waiting.length === 0
        ? { duplicate: false }
        : { duplicate: false, fault: `INVITE without call UUID, push had ${waiting[0]}` };
    }
    const call = this.#get(uuid);
    if (call.invited) return { duplicate: true, fault: `second INVITE for call ${uuid}` };
    call.invited = true;
    if (call.pushed || waiting.length === 0) return { duplicate: false };
    return { duplicate: false, fault: `INVITE for call ${uuid}, push had ${waiting[0]}` };
  }

  #get(uuid: string): Shown {
    let call = this.#calls.get(uuid);
    if (!call) {
      call = { pushed: false, invited: false };
      this.#calls.set(uuid, call);
      const [oldest] = this.#calls.keys();
      if (this.#calls.size > REMEMBERED && oldest !== undefined) this.#calls.delete(oldest);
    }
    return call;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `callwake.callUuid` of a push payload, lower case; undefined when there is none that is a UUID. */
export function callUuidOf(payload: unknown): string | undefined {
  const ours = field(payload, 'callwake');
  const uuid = field(ours, 'callUuid');
  return typeof uuid === 'string' && UUID.test(uuid) ? uuid.toLowerCase() : undefined;
}

/** A member of a JSON object, undefined when it is no object. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
