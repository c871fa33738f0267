import { boundedMap } from './bounded-map.ts';
import type { RateLimitOutcome } from './rate-limit.ts';

export interface LocalLimitOptions {
  readonly maxRequests: number;
  readonly windowMs: number;
  readonly now: () => number;
  /** Callers remembered at most. @default 1,000 */
  readonly callers?: number;
}

/**
 * The same limit counted in this process alone, for a route that must answer while the database does not: it bounds what a
 * flood can do then. Each execution environment counts by itself, so that a caller may get as many times the limit.
 */
export function createLocalLimit({ maxRequests, windowMs, now, callers = 1_000 }: LocalLimitOptions) {
  const admitted = boundedMap<readonly number[]>(callers);

  return function check(caller: string): RateLimitOutcome {
    const instant = now();
    const inWindow = (admitted.get(caller) ?? []).filter((at) => at > instant - windowMs && at <= instant);
    const freeInMs = (inWindow[0] ?? instant) + windowMs - instant;
    if (inWindow.length >= maxRequests) return { outcome: 'limited', retryAfterMs: freeInMs, isCached: true };
    admitted.set(caller, [...inWindow, instant]);
    return {
      outcome: 'allowed',
      remaining: maxRequests - inWindow.length - 1,
      resetMs: freeInMs,
      isOverLimit: false,
    };
  };
}
