import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, HistoryEvent } from './history.js';
import type { FaultyNode } from './nodes.js';
import type { Random } from './random.js';
import type { RedisPair } from './redis-pair.js';

const FAULTS: readonly Fault[] = [
  'power-off',
  'redis-killed',
  'paused',
  'cut-from-redis',
  'app-killed',
  'redis-failed-over',
];

export interface NemesisOptions {
  readonly nodes: readonly FaultyNode[];
  readonly redis: RedisPair;
  readonly random: Random;
  readonly record: (event: HistoryEvent) => void;
}

/** Does one bad thing to a site after the other, and mends it each time. */
export class Nemesis {
  constructor(readonly options: NemesisOptions) {}

  /** Each fault once before one comes again; settles when the last is mended. */
  async run(count: number): Promise<void> {
    const { random } = this.options;
    let left: Fault[] = [];
    for (let n = 0; n < count; n++) {
      if (left.length === 0) left = random.shuffled(FAULTS);
      await this.#do(left.pop() ?? 'paused');
      await pause(random.between(200, 700));
    }
  }

  /** Replaces one node after the other, as an upgrade does. */
  async rollOver(): Promise<void> {
    for (const node of this.options.nodes) {
      await pause(500);
      await node.replace();
    }
    await pause(500);
  }

  async #do(fault: Fault): Promise<void> {
    const { nodes, redis, random, record } = this.options;
    const node = random.pick(nodes);
    const ofRedis = fault.startsWith('redis');
    record({ at: Date.now(), type: 'fault', fault, ...(!ofRedis && { node: node.name }) });
    switch (fault) {
      case 'power-off':
        node.powerOff();
        await pause(random.between(300, 1_200));
        return node.start();
      case 'app-killed':
        return node.killApp();
      case 'cut-from-redis':
        node.wire.cut();
        await pause(random.between(300, 2_000));
        return node.wire.mend();
      case 'paused':
        node.pause();
        await pause(random.between(200, 2_000));
        return node.resume();
      case 'redis-killed':
        await redis.kill();
        await pause(random.between(200, 1_200));
        return redis.restart();
      case 'redis-failed-over':
        await redis.failOver();
        await pause(random.between(200, 1_000));
        return redis.mend();
    }
  }
}
