// One time base for all processes of a measurement.

/** CLOCK_MONOTONIC in ms, the same in every process of the machine. */
export const monotonic = (() => {
  let base = 0;
  let closest = Number.POSITIVE_INFINITY;
  // The first calls are slow: the closest pair of readings counts.
  for (let i = 0; i < 200; i++) {
    const before = Number(process.hrtime.bigint()) / 1e6;
    const here = performance.now();
    const after = Number(process.hrtime.bigint()) / 1e6;
    if (after - before < closest) {
      closest = after - before;
      base = (before + after) / 2 - here;
    }
  }
  return () => base + performance.now();
})();

/** Wall clock minus {@link monotonic} in ms, good to some microseconds. */
export function wallMinusMonotonic() {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const start = Date.now();
    let now = start;
    while (now === start) now = Date.now();
    best = Math.max(best, now - monotonic());
  }
  return best;
}

/** What SIPp writes for [timestamp] (local time, microseconds) as wall-clock ms. */
export function sippTime(text) {
  const match = /(\d{4})-(\d\d)-(\d\d)[\tT ]+(\d\d):(\d\d):(\d\d)\.(\d+)/.exec(text);
  if (match === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  return new Date(year, month - 1, day, hour, minute, second).getTime() + Number(`0.${match[7]}`) * 1000;
}
