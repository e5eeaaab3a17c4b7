import type { Stage } from './stage.js';

/** The process id of the app that `callwake start` runs now. */
export function appPid({ callwake }: Stage): number {
  const { app } = callwake;
  if (app === undefined) throw new Error('the app has not said that it is ready');
  return app;
}

/** Kills the app (`kill -9`). Gives what settles when the next one is ready. */
export function killApp(stage: Stage): Promise<unknown> {
  const pid = appPid(stage);
  isNew(stage, pid);
  const next = stage.callwake.logged('ready', (line) => line.pid !== pid && isNew(stage, line.pid));
  process.kill(pid, 'SIGKILL');
  return next;
}

const seen = new WeakMap<Stage, Set<unknown>>();

function isNew(stage: Stage, pid: unknown): boolean {
  const pids = seen.get(stage) ?? new Set();
  seen.set(stage, pids);
  if (pids.has(pid)) return false;
  pids.add(pid);
  return true;
}
