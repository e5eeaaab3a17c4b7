import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.js';

/** A parser of whole numbers for commander: refuses what is none or out of range. */
export function wholeArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A TCP or UDP port; 0 means any free one. */
export const portArgument = wholeArgument(0, 65535);

const DAY = 86_400_000;

/** A duration such as `500ms` or `3s`, as milliseconds. */
export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms > DAY) throw new InvalidArgumentError('Give a duration such as 500ms, 3s or 2m.');
  return ms;
}

/** How long something is good: a duration from a second to a year, as milliseconds. */
export function lifetimeArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000 && ms <= 365 * DAY) return ms;
  throw new InvalidArgumentError('Give a duration such as 15m, 12h or 90d, at most 365d.');
}

/** Collects an option that may be given more than once. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
