import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { appPid } from '../app-process.js';
import type { Stage } from '../stage.js';
import { compareHeaps, type Heap, type HeapChange, readHeap } from './heap.js';

const PATIENCE = 60_000;

/** The heaps of the app and of the engine at moments of rest: written by the processes themselves (see `probe.ts`). */
export class Heaps {
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #keptIn: string | undefined;
  readonly #seen = new Map<string, Heap[]>();
  #looks = 0;

  /** @param folder where the processes write @param keptIn where the snapshots are kept, for whoever wants to look at them */
  constructor(stage: Stage, folder: string, keptIn?: string) {
    this.#stage = stage;
    this.#folder = folder;
    this.#keptIn = keptIn;
    if (keptIn !== undefined) mkdirSync(keptIn, { recursive: true });
  }

  /** Looks at both processes. Rejects when one does not write its heap within a minute. */
  async look(): Promise<void> {
    this.#looks++;
    for (const [role, pid] of [['app', appPid(this.#stage)] as const, ['engine', this.#enginePid()] as const]) {
      const file = join(this.#folder, `${role}-${pid}.${this.#seen.get(role)?.length ?? 0}.heapsnapshot`);
      process.kill(pid, 'SIGUSR2');
      const deadline = performance.now() + PATIENCE;
      while (!existsSync(file)) {
        if (performance.now() > deadline) throw new Error(`${role} has not written its heap`);
        await pause(100);
      }
      this.#seen.set(role, [...(this.#seen.get(role) ?? []), readHeap(file)]);
      if (this.#keptIn !== undefined) copyFileSync(file, join(this.#keptIn, `${role}-${this.#looks}.heapsnapshot`));
      rmSync(file);
    }
  }

  /** What each has kept from the first look to the last, `actions` later. */
  changes(actions: number): HeapChange[] {
    return [...this.#seen].flatMap(([role, heaps]) => {
      const [before] = heaps;
      const after = heaps.at(-1);
      return before === undefined || after === undefined || heaps.length < 2
        ? []
        : [compareHeaps(role, before, after, actions)];
    });
  }

  #enginePid(): number {
    const file = readdirSync(this.#folder).find((name) => /^engine-\d+\.jsonl$/.test(name));
    return Number(/\d+/.exec(file ?? '')?.[0]);
  }
}
