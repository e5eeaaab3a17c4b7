/** One of several apps that a supervisor keeps: its number and its process. */
export interface Sibling {
  readonly worker: number;
  readonly pid: number;
}

/** The line that tells an app that the process of another one has ended. */
export function workerEnded({ worker, pid }: Sibling): string {
  return `worker ${worker} ended, process ${pid}`;
}

/** What {@link workerEnded} says; undefined for any other line. */
export function endedWorker(line: string): Sibling | undefined {
  const [, worker, pid] = /^worker (\d+) ended, process (\d+)$/.exec(line) ?? [];
  return worker === undefined || pid === undefined ? undefined : { worker: Number(worker), pid: Number(pid) };
}
