import { z } from 'zod';

const figures = z.object({
  clientTransactions: z.number(),
  serverTransactions: z.number(),
  dialogs: z.number(),
  proxied: z.number(),
  pending: z.number(),
  connections: z.number(),
  serverCertificates: z
    .array(z.object({ host: z.string(), address: z.string(), port: z.number(), until: z.number() }))
    .default([]),
  passing: z.number(),
  refused: z.record(z.string(), z.number()),
  lag: z.number(),
  cpuSeconds: z.number(),
  heapBytes: z.number(),
  residentBytes: z.number(),
});

/** What the embedded engine says of itself; `src/engine/figures.ts` tells what each means. */
export type EngineFigures = z.output<typeof figures>;

/** Reads the answer to `figures`; undefined when it is none, as that of another version may be. */
export function readFigures(text: string): EngineFigures | undefined {
  try {
    return figures.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
