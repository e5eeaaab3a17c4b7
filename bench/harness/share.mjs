// Gives a process a part of a core and no more, through the kernel's control groups (version 1 or 2; needs root).
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** Short, so that a process that has used its part waits for a few ms and not for long. */
const PERIOD_US = 10_000;

/** From now on `pid`, and what it starts, gets `cores` of a core. Call what it gives when the process has ended. */
export function limit(pid, cores) {
  const second = existsSync(join(ROOT, 'cgroup.controllers'));
  if (second) writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+cpu');
  const group = join(ROOT, second ? '' : 'cpu', `callwake-bench-${pid}`);
  mkdirSync(group);
  const quota = Math.round(PERIOD_US * cores);
  if (second) writeFileSync(join(group, 'cpu.max'), `${quota} ${PERIOD_US}`);
  else {
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
  }
  writeFileSync(join(group, 'cgroup.procs'), String(pid));
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    if (!second) writeFileSync(join(group, 'tasks'), task);
  }
  return () => rmdirSync(group);
}
