import type { RateLimitOutcome } from './rate-limit.ts';

/** The policy's name in the headers and in problem documents. */
export const POLICY = 'per-caller';

export interface Limit {
  readonly maxRequests: number;
  readonly windowMs: number;
}

/**
 * What a client is told of its limit, on every answer of a limited route. While the store does not answer, nothing is
 * known of what remains, and only the policy is told.
 * Source: draft-ietf-httpapi-ratelimit-headers-11 (23 May 2026), a draft: its names may change yet, and only Retry-After is
 * binding. X-RateLimit-Reset is in epoch seconds, as GitHub's.
 */
export function rateLimitHeaders(outcome: RateLimitOutcome, limit: Limit, nowMs: number): Record<string, string> {
  const { maxRequests, windowMs } = limit;
  const policy = { 'RateLimit-Policy': `"${POLICY}";q=${maxRequests};w=${wholeSeconds(windowMs)}` };
  if (outcome.outcome === 'unavailable') return policy;
  const isLimited = outcome.outcome === 'limited';
  const remaining = isLimited ? 0 : outcome.remaining;
  const resetMs = isLimited ? outcome.retryAfterMs : outcome.resetMs;
  return {
    ...policy,
    RateLimit: `"${POLICY}";r=${remaining};t=${wholeSeconds(resetMs)}`,
    'X-RateLimit-Limit': String(maxRequests),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(Math.ceil((nowMs + resetMs) / 1_000)),
    ...(isLimited && { 'Retry-After': String(wholeSeconds(resetMs)) }),
  };
}

/** Never 0 and never a fraction: clients refuse a fraction, and 0 would send them back at once. */
export function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
