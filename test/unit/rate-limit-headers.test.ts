import { expect, test } from '@jest/globals';
import { rateLimitHeaders, wholeSeconds } from '../../lambdas/shared/api/rate-limit-headers.ts';

const LIMIT = { maxRequests: 100, windowMs: 60_000 };
const NOW = Date.parse('2026-01-02T03:04:05.600Z');
const EPOCH = Math.floor(NOW / 1_000);

test('an admitted request tells what is left, and when one more is free', () => {
  const outcome = { outcome: 'allowed', remaining: 57, resetMs: 41_001, isOverLimit: false } as const;
  expect(rateLimitHeaders(outcome, LIMIT, NOW)).toEqual({
    'RateLimit-Policy': '"per-caller";q=100;w=60',
    RateLimit: '"per-caller";r=57;t=42',
    'X-RateLimit-Limit': '100',
    'X-RateLimit-Remaining': '57',
    'X-RateLimit-Reset': String(EPOCH + 42),
  });
});

test('a refused one tells when to come back, in whole seconds and not too early', () => {
  const outcome = { outcome: 'limited', retryAfterMs: 41_001, isCached: true } as const;
  expect(rateLimitHeaders(outcome, LIMIT, NOW)).toEqual({
    'RateLimit-Policy': '"per-caller";q=100;w=60',
    RateLimit: '"per-caller";r=0;t=42',
    'X-RateLimit-Limit': '100',
    'X-RateLimit-Remaining': '0',
    'X-RateLimit-Reset': String(EPOCH + 42),
    'Retry-After': '42',
  });
});

test('nothing is made up while the limiter does not answer', () => {
  expect(rateLimitHeaders({ outcome: 'unavailable', error: new Error('away') }, LIMIT, NOW)).toEqual({
    'RateLimit-Policy': '"per-caller";q=100;w=60',
  });
});

test.each([
  [0, 1],
  [1, 1],
  [999, 1],
  [1_000, 1],
  [1_001, 2],
  [59_999.5, 60],
])('%d ms are %d whole seconds', (ms, seconds) => {
  expect(wholeSeconds(ms)).toBe(seconds);
});
