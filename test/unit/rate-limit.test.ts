import { describe, expect, test } from '@jest/globals';
import { boundedMap } from '../../lambdas/shared/api/bounded-map.ts';
import { createLocalLimit } from '../../lambdas/shared/api/local-limit.ts';
import { createRateLimiter, type Decision } from '../../lambdas/shared/api/rate-limit.ts';

const WINDOW_MS = 60_000;
const REFUSED: Decision = { allowed: false, limit: 100, remaining: 0, retry_after_ms: 40_000, reset_ms: 40_000 };
const ADMITTED: Decision = { allowed: true, limit: 100, remaining: 57, retry_after_ms: 0, reset_ms: 12_345 };

function aLimiter({ mode = 'enforce' as 'enforce' | 'shadow', cacheSize = 10 } = {}) {
  const clock = { now: 1_000_000 };
  const options = { maxRequests: 100, windowMs: WINDOW_MS, route: 'GET /x', mode, cacheSize };
  return { clock, limiter: createRateLimiter({ ...options, now: () => clock.now }) };
}

describe('a request', () => {
  test('is asked about once, with the limit and the route', async () => {
    const asked: unknown[] = [];
    const { limiter } = aLimiter();
    const outcome = await limiter.check('caller', async (args) => {
      asked.push(args);
      return ADMITTED;
    });
    expect(asked).toEqual([{ route: 'GET /x', max_requests: 100, window_ms: 60_000 }]);
    expect(outcome).toEqual({ outcome: 'allowed', remaining: 57, resetMs: 12_345, isOverLimit: false });
  });

  test('is neither allowed nor limited when the store fails, and nothing is remembered', async () => {
    const { limiter } = aLimiter();
    const error = new Error('connection refused');
    expect(await limiter.check('caller', () => Promise.reject(error))).toEqual({ outcome: 'unavailable', error });
    expect(limiter.recall('caller')).toBeUndefined();
  });
});

describe('a refusal', () => {
  test('is remembered for as long as the database said, counted from the question', async () => {
    const { limiter, clock } = aLimiter();
    const outcome = await limiter.check('caller', async () => {
      clock.now += 1_000; // the answer was a second on its way
      return REFUSED;
    });
    expect(outcome).toEqual({ outcome: 'limited', retryAfterMs: 40_000, isCached: false });
    expect(limiter.recall('caller')).toEqual({ outcome: 'limited', retryAfterMs: 39_000, isCached: true });
    clock.now += 38_999;
    expect(limiter.recall('caller')).toEqual({ outcome: 'limited', retryAfterMs: 1, isCached: true });
    clock.now += 1;
    expect(limiter.recall('caller')).toBeUndefined();
  });

  test('is remembered of its caller alone, and an admission of nobody', async () => {
    const { limiter } = aLimiter();
    await limiter.check('refused', async () => REFUSED);
    await limiter.check('admitted', async () => ADMITTED);
    expect(limiter.recall('admitted')).toBeUndefined();
    expect(limiter.recall('other')).toBeUndefined();
  });

  test('is not believed for longer than the window when the clock was set back', async () => {
    const { limiter, clock } = aLimiter();
    await limiter.check('caller', async () => REFUSED);
    clock.now -= WINDOW_MS;
    expect(limiter.recall('caller')).toBeUndefined();
  });

  test('of a new caller takes the place of the oldest one, so that memory is bounded', async () => {
    const { limiter } = aLimiter({ cacheSize: 2 });
    for (const caller of ['first', 'second', 'third']) await limiter.check(caller, async () => REFUSED);
    expect(limiter.recall('first')).toBeUndefined();
    expect(limiter.recall('second')).toBeDefined();
    expect(limiter.recall('third')).toBeDefined();
  });

  test('refuses nobody in shadow mode, and is told', async () => {
    const { limiter } = aLimiter({ mode: 'shadow' });
    const outcome = { outcome: 'allowed', remaining: 0, resetMs: 40_000, isOverLimit: true };
    expect(await limiter.check('caller', async () => REFUSED)).toEqual(outcome);
    expect(limiter.recall('caller')).toEqual(outcome);
  });
});

test('a bounded map keeps what was set last', () => {
  const map = boundedMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3); // set again, it is the youngest
  map.set('c', 4);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([3, undefined, 4, 2]);
});

describe('the limit of one process', () => {
  const clock = { now: 0 };
  const aLimit = (callers?: number) => {
    clock.now = 1_000_000;
    return createLocalLimit({ maxRequests: 3, windowMs: 1_000, now: () => clock.now, callers });
  };

  test('admits so many in any window', () => {
    const check = aLimit();
    expect(check('a')).toEqual({ outcome: 'allowed', remaining: 2, resetMs: 1_000, isOverLimit: false });
    clock.now += 600;
    check('a');
    expect(check('a')).toMatchObject({ outcome: 'allowed', remaining: 0, resetMs: 400 });
    expect(check('a')).toEqual({ outcome: 'limited', retryAfterMs: 400, isCached: true });
    expect(check('b')).toMatchObject({ outcome: 'allowed' });
    clock.now += 399;
    expect(check('a')).toMatchObject({ outcome: 'limited' });
    clock.now += 1;
    expect(check('a')).toMatchObject({ outcome: 'allowed' });
    expect(check('a')).toMatchObject({ outcome: 'limited' });
  });

  test('lets nobody wait for a clock that was set back', () => {
    const check = aLimit();
    for (let index = 0; index < 3; index += 1) check('a');
    clock.now -= 3_600_000;
    expect(check('a')).toMatchObject({ outcome: 'allowed' });
  });

  test('remembers so many callers and no more', () => {
    const check = aLimit(1);
    for (let index = 0; index < 4; index += 1) check('a');
    expect(check('a')).toMatchObject({ outcome: 'limited' });
    check('b');
    expect(check('a')).toMatchObject({ outcome: 'allowed' });
  });
});
