import { createHash } from 'node:crypto';
import type { Limit } from './arm.ts';

const CALLERS = 10_000;
const ZIPF_EXPONENT = 1.1;
const WINDOW_MS = 60_000;

/** Who asks, how often, and against which limit. */
export type Workload = {
  readonly name: string;
  readonly limit: Limit;
  /** So many requests of the first caller come before the measurement. */
  readonly before: number;
  /** The next caller, given a random number from 0 to 1. */
  readonly pick: (random: number) => string;
};

/** As our functions store them: a keyed hash. */
const callers = Array.from({ length: CALLERS }, (_, index) => callerOf(index));

export const OVER_LIMIT: Workload = {
  name: 'one caller over its limit',
  limit: { requests: 100, windowMs: WINDOW_MS },
  before: 100,
  pick: () => callerOf(0),
};

export const WORKLOADS: readonly Workload[] = [
  {
    name: '10,000 callers, admitted',
    limit: { requests: 1_000, windowMs: WINDOW_MS },
    before: 0,
    pick: (random) => callers[Math.floor(random * CALLERS)] as string,
  },
  { name: 'one caller, admitted', limit: { requests: 1e9, windowMs: WINDOW_MS }, before: 0, pick: () => callerOf(0) },
  OVER_LIMIT,
  { name: 'Zipf 1.1', limit: { requests: 100, windowMs: WINDOW_MS }, before: 0, pick: pickZipf() },
];

function callerOf(index: number): string {
  return createHash('sha256').update(`caller ${index}`).digest('base64url').slice(0, 22);
}

/** The first caller asks most; the n-th, n ** 1.1 times less often. */
function pickZipf(): Workload['pick'] {
  const weights = callers.map((_, index) => 1 / (index + 1) ** ZIPF_EXPONENT);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const cumulative = weights.map((weight) => {
    sum += weight / total;
    return sum;
  });
  return (random) => {
    let low = 0;
    let high = CALLERS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] as number) < random) low = middle + 1;
      else high = middle;
    }
    return callers[low] as string;
  };
}
