// How sure a difference is: the bootstrap over blocks of consecutive samples, as what disturbs a machine disturbs neighbours together.
import { quantiles } from './machine.mjs';

const ROUNDS = 1_000;

/**
 * Quantile `name` (`p50`, `p99`) of the second of two groups less that of the first, with the interval that 95 % of resampled runs lie in. `samples` are
 * `{ group, value }` in the order in which they were seen; `block`: how many of them belong together.
 */
export function differenceOf(samples, name, block) {
  const blocks = [];
  for (let start = 0; start < samples.length; start += block) {
    const some = samples.slice(start, start + block);
    blocks.push([0, 1].map((group) => some.filter((one) => one.group === group).map(({ value }) => value)));
  }
  const difference = (chosen) => {
    const [first, second] = [0, 1].map((group) => quantiles(chosen.flatMap((one) => one[group]))[name]);
    return second - first;
  };
  const resampled = Array.from({ length: ROUNDS }, () =>
    difference(blocks.map(() => blocks[Math.floor(Math.random() * blocks.length)])),
  ).sort((a, b) => a - b);
  const at = (part) => resampled[Math.floor(part * (ROUNDS - 1))];
  return { difference: difference(blocks), low: at(0.025), high: at(0.975) };
}
