import { boundedMap } from './bounded-map.ts';

/** What check_rate_limit() is asked, but for the caller, … */
export interface LimitArguments {
  readonly route: string;
  readonly max_requests: number;
  readonly window_ms: number;
}

/** … and what it answers. */
export interface Decision {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  readonly retry_after_ms: number;
  readonly reset_ms: number;
}

/** Three outcomes and not two: a limiter that does not answer is neither a yes nor a no, and each route must say what then. */
export type RateLimitOutcome =
  | {
      readonly outcome: 'allowed';
      readonly remaining: number;
      /** Until one more than `remaining` is free. */
      readonly resetMs: number;
      /** Shadow mode let it through; the limit would not have. */
      readonly isOverLimit: boolean;
    }
  | {
      readonly outcome: 'limited';
      readonly retryAfterMs: number;
      /** Answered from memory: the database was not asked. */
      readonly isCached: boolean;
    }
  | { readonly outcome: 'unavailable'; readonly error: Error };

export interface RateLimiterOptions {
  /** At most so many requests of a caller on this route … */
  readonly maxRequests: number;
  /** … in any window of this length. */
  readonly windowMs: number;
  readonly route: string;
  /** shadow: count, refuse nobody. */
  readonly mode: 'enforce' | 'shadow';
  readonly now: () => number;
  /** Refused callers remembered at most. @default 10,000 */
  readonly cacheSize?: number;
}

export interface RateLimiter {
  /** What is known without asking: a caller that was refused and whose time is not over. */
  recall(caller: string): RateLimitOutcome | undefined;
  /**
   * Decides on one request, and counts it where it is allowed. Never throws.
   * @param ask calls check_rate_limit() for this caller with these further arguments, once: a second call would count twice
   */
  check(caller: string, ask: (args: LimitArguments) => Promise<Decision>): Promise<RateLimitOutcome>;
}

/**
 * The exact limit, decided by the database, which alone sees all callers and has the one clock. Only refusals are kept in
 * memory, for as long as the database said, so that a blocked caller costs no round trip and memory never says yes.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { maxRequests, windowMs, route, mode, now, cacheSize = 10_000 } = options;
  const refusedUntil = boundedMap<number>(cacheSize);

  function refuse(retryAfterMs: number, isCached: boolean): RateLimitOutcome {
    if (mode === 'enforce') return { outcome: 'limited', retryAfterMs, isCached };
    return { outcome: 'allowed', remaining: 0, resetMs: retryAfterMs, isOverLimit: true };
  }

  return {
    recall(caller) {
      const waitMs = (refusedUntil.get(caller) ?? 0) - now();
      // A clock that was set back must not keep anybody out for longer than the window.
      return waitMs > 0 && waitMs <= windowMs ? refuse(waitMs, true) : undefined;
    },
    async check(caller, ask) {
      const askedAt = now();
      try {
        const decision = await ask({ route, max_requests: maxRequests, window_ms: windowMs });
        const { remaining, reset_ms: resetMs, retry_after_ms: retryAfterMs } = decision;
        if (decision.allowed) return { outcome: 'allowed', remaining, resetMs, isOverLimit: false };
        // Counted from when we asked, which is before the database answered: forgotten too early costs one more question.
        refusedUntil.set(caller, askedAt + retryAfterMs);
        return refuse(retryAfterMs, false);
      } catch (error) {
        return { outcome: 'unavailable', error: error as Error };
      }
    },
  };
}
