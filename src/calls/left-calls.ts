import type { CallInfo, CallRecord } from './records.js';

/** Held calls that a process before this one left, until their INVITEs come again. */
export class LeftCalls {
  readonly #records = new Map<string, CallRecord>();

  add(records: readonly CallRecord[]): void {
    for (const record of records) {
      if (record.held !== undefined && record.final === undefined) this.#records.set(keyOf(record.info), record);
    }
  }

  /** The record of this call, once. */
  take(info: CallInfo): CallRecord | undefined {
    const key = keyOf(info);
    const record = this.#records.get(key);
    this.#records.delete(key);
    return record;
  }

  /** What is known of the call of this INVITE. */
  find(callUuid: string, callId: string): CallInfo | undefined {
    for (const { info } of this.#records.values()) {
      if (info.callUuid === callUuid && info.callId === callId) return info;
    }
    return undefined;
  }

  /** Those that nobody took, once. */
  takeRest(): CallRecord[] {
    const rest = [...this.#records.values()];
    this.#records.clear();
    return rest;
  }
}

function keyOf({ callUuid, callId, aor }: CallInfo): string {
  return `${callUuid} ${callId} ${aor}`;
}
