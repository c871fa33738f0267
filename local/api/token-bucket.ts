import type { Throttle } from './usage-plan.ts';

/** A bucket that starts full and fills all the time; `take` is false when there is no whole token in it. */
export function createTokenBucket({ ratePerSecond, burst }: Throttle, now: () => number) {
  let tokens = burst;
  let filledAt = now();
  return {
    take(): boolean {
      const at = now();
      tokens = Math.min(burst, tokens + ((at - filledAt) / 1_000) * ratePerSecond);
      filledAt = at;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

export type TokenBucket = ReturnType<typeof createTokenBucket>;

/** One bucket for each key, made when it is first asked for. */
export function createTokenBuckets(now: () => number) {
  const buckets = new Map<string, TokenBucket>();
  return (key: string, throttle: Throttle): boolean => {
    const bucket = buckets.get(key) ?? createTokenBucket(throttle, now);
    buckets.set(key, bucket);
    return bucket.take();
  };
}
