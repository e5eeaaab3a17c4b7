import { z } from 'zod';

const resetCodes = ['REFUSED_STREAM', 'CANCEL', 'INTERNAL_ERROR', 'PROTOCOL_ERROR'] as const;

/** What is done to pushes instead of answering them as Apple would. Every member may be left out. */
export const scriptSchema = z.strictObject({
  /** Only pushes to this device token, topic or push type. */
  token: z.string().optional(),
  topic: z.string().optional(),
  pushType: z.string().optional(),
  /** Leaves so many fitting pushes alone first. Default: 0. */
  skip: z.number().int().min(0).default(0),
  /** For how many pushes it holds. Default: 1; 0 for all. */
  times: z.number().int().min(0).default(1),
  /** Milliseconds before anything else is done. */
  delayMs: z.number().min(0).max(3_600_000).optional(),
  /** Answers so. Default status: that of the reason's usual kind, 400. */
  status: z.number().int().min(200).max(599).optional(),
  reason: z.string().optional(),
  /** Epoch milliseconds, for 410. */
  timestamp: z.number().optional(),
  /** The Retry-After header. */
  retryAfter: z.union([z.number(), z.string()]).optional(),
  /** Never answers. */
  hang: z.boolean().optional(),
  /** Resets the stream. */
  reset: z.enum(resetCodes).optional(),
  /** Sends GOAWAY with this reason. The push itself is answered as usual unless `process` is false. */
  goaway: z.string().optional(),
  /** The GOAWAY names the stream before this push as the last one looked at; the push is dropped. */
  goawayBefore: z.boolean().optional(),
  /** The GOAWAY's error code. Default: 0. */
  goawayCode: z.number().int().min(0).optional(),
  /** Closes the TCP connection. */
  close: z.boolean().optional(),
  /** Sends SETTINGS with this limit; the push is answered as usual. */
  maxStreams: z.number().int().min(0).optional(),
  /** Whether the push still reaches the phone. Default: with an answer of 200, `hang` or `close`: no. */
  process: z.boolean().optional(),
});

/** A script as one writes it. */
export type ScriptInput = z.input<typeof scriptSchema>;
export type Script = z.output<typeof scriptSchema>;

/** The scripts in the order they were added; the first that fits a push is the one. */
export class Scripts {
  #entries: { readonly script: Script; skip: number; left: number }[] = [];

  /** @throws {z.ZodError} if it isn't a script */
  add(input: ScriptInput): void {
    const script = scriptSchema.parse(input);
    this.#entries.push({
      script,
      skip: script.skip,
      left: script.times === 0 ? Number.POSITIVE_INFINITY : script.times,
    });
  }

  take(push: { readonly token: string; readonly topic: string; readonly pushType: string }): Script | undefined {
    if (this.#entries.length === 0) return undefined;
    const entry = this.#entries.find(({ script }) => fits(script, push));
    if (!entry) return undefined;
    if (entry.skip > 0) {
      entry.skip--;
      return undefined;
    }
    entry.left--;
    if (entry.left <= 0) this.#entries = this.#entries.filter((other) => other !== entry);
    return entry.script;
  }

  get list(): readonly Script[] {
    return this.#entries.map(({ script }) => script);
  }

  clear(): void {
    this.#entries = [];
  }
}

function fits(
  script: Script,
  push: { readonly token: string; readonly topic: string; readonly pushType: string },
): boolean {
  return (
    (script.token === undefined || script.token.toLowerCase() === push.token) &&
    (script.topic === undefined || script.topic === push.topic) &&
    (script.pushType === undefined || script.pushType === push.pushType)
  );
}
