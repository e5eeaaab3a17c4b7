import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { callFiles, type LoggedCall } from './call-log.js';
import { idsOf } from './recorder.js';

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

/** A line that was cut (a full disk, a power failure) is none. */
function parsed(line: string): LoggedCall | undefined {
  try {
    const call: LoggedCall = JSON.parse(line);
    return typeof call.summary?.callUuid === 'string' && Array.isArray(call.events) ? call : undefined;
  } catch {
    return undefined;
  }
}
