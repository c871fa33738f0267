import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createApiKeys } from '../../local/api/keys.ts';
import type { ApiPlan } from '../../local/api/plan.ts';
import { createQuotas, periodStart } from '../../local/api/quota.ts';
import { createTokenBucket } from '../../local/api/token-bucket.ts';

describe('a token bucket', () => {
  it('gives its burst at once, and then as it fills, never more than the burst', () => {
    let now = 0;
    const bucket = createTokenBucket({ ratePerSecond: 2, burst: 3 }, () => now);
    const take = (count: number) => Array.from({ length: count }, () => bucket.take());
    expect(take(4)).toEqual([true, true, true, false]);
    now = 499;
    expect(bucket.take()).toBe(false);
    now = 500;
    expect(take(2)).toEqual([true, false]);
    now = 60_000;
    expect(take(4)).toEqual([true, true, true, false]);
  });
});

describe('a quota', () => {
  it('is full at its limit, for each key by itself, until the next period', () => {
    let now = Date.UTC(2026, 10, 30, 23, 59);
    const quotas = createQuotas(() => now);
    const take = (key: string) => quotas.take(key, { limit: 2, period: 'MONTH' });
    expect([take('a'), take('a'), take('a'), take('b')]).toEqual([true, true, false, true]);
    now = Date.UTC(2026, 11, 1);
    expect(take('a')).toBe(true);
  });

  it.each([
    ['DAY', '2026-11-24T00:00:00.000Z'],
    ['WEEK', '2026-11-22T00:00:00.000Z'],
    ['MONTH', '2026-11-01T00:00:00.000Z'],
  ] as const)('of a %s began at %s', (period, start) => {
    expect(new Date(periodStart(period, new Date('2026-11-24T18:00:00Z'))).toISOString()).toBe(start);
  });
});

describe('the keys of a kept system', () => {
  const plan = {
    keys: [{ id: 'first', name: 'first', enabled: true }],
    members: [{ keyId: 'first', planId: 'starter' }],
  } as unknown as ApiPlan;

  it('are the same after a new start: the value that was made up, the plan, and what was changed', () => {
    const directory = mkdtempSync(join(tmpdir(), 'queuekeeper-keys-'));
    const file = join(directory, 'api-keys.json');
    const before = createApiKeys({ plan, file });
    before.change(before.create({ name: 'acme' }), { enabled: false, planId: 'pro' });
    const after = createApiKeys({ plan, file });
    expect(after.list()).toEqual(before.list());
    expect(after.get('first')).toMatchObject({ planId: 'starter', value: expect.stringMatching(/^\w{40}$/) });
    rmSync(directory, { recursive: true });
  });
});
