import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** What this process has taken of what it can take, from 0 to 1. */
export interface LoadMeter {
  /** Share of the time since the last call in which the event loop was busy. */
  busy(): number;
  /** Share of the heap's limit that is in use. */
  heap(): number;
  /** How full the buffers are in which work waits, from 0 to 1; undefined when not all of them can be seen. */
  backlog(): number | undefined;
}

/** The load of the process that runs this. `backlog` tells how full the buffers are in which work waits for it. */
export function processLoad(backlog: () => number | undefined = () => undefined): LoadMeter {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return {
    backlog,
    busy() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    heap() {
      const { used_heap_size, heap_size_limit } = getHeapStatistics();
      return used_heap_size / heap_size_limit;
    },
  };
}
