import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { callFiles, type LoggedCall } from './call-log.js';
import { type CallFilter, idsOf, matchesCall } from './recorder.js';
import type { CallSummary } from './summary.js';

/**
 * The latest call with that call UUID, Call-ID or Session-ID in the files of a folder; undefined when there is none. Lines that are
 * none of a call's are passed over.
 */
export async function readLoggedCall(folder: string, id: string): Promise<LoggedCall | undefined> {
  const wanted = id.toLowerCase();
  for (const path of (await callFiles(folder)).toReversed()) {
    let found: LoggedCall | undefined;
    const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) {
      if (!line.toLowerCase().includes(wanted)) continue;
      const call = parsed(line);
      if (call !== undefined && idsOf(call.summary).includes(wanted)) found = call;
    }
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Calls in the files of a folder that fit, the newest first, at most `limit`; `total` is how many fit. */
export async function findLoggedCalls(
  folder: string,
  filter: CallFilter,
  limit: number,
): Promise<{ readonly calls: readonly CallSummary[]; readonly total: number }> {
  let newest: CallSummary[] = [];
  let total = 0;
  const cut = (): void => {
    newest = newest.sort((a, b) => b.startedAt - a.startedAt).slice(0, limit);
  };
  for (const path of await callFiles(folder)) {
    const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) {
      const summary = parsed(line)?.summary;
      if (summary === undefined || !matchesCall(summary, filter)) continue;
      total++;
      newest.push(summary);
      if (newest.length > 2 * limit) cut();
    }
  }
  cut();
  return { calls: newest, total };
}

/** A line that was cut (a full disk, a power failure) is none. */
function parsed(line: string): LoggedCall | undefined {
  try {
    const call: LoggedCall = JSON.parse(line);
    if (typeof call.summary?.callUuid !== 'string' || !Array.isArray(call.events)) return undefined;
    const { callUuid, sessionId } = call.summary;
    const names = sessionId === undefined ? { callUuid } : { callUuid, sessionId };
    return { ...call, events: call.events.map((event) => ({ ...names, ...event })) };
  } catch {
    return undefined;
  }
}
