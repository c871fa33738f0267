import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readMetrics, type Sample } from '../../local/metrics.ts';
import type { LocalSystem } from '../../local/system.ts';
import { type Ask, askMany, clientOf, startApiSystem, statusesOf } from './api-client.ts';

const LIMIT = 20;

let system: LocalSystem;
let ask: Ask;
let samples: Sample[] = [];

beforeAll(async () => {
  const settings = { RATE_LIMIT_MODE: 'shadow', RATE_LIMIT_REQUESTS: String(LIMIT), QUEUE_API_ACCESS: 'public' };
  system = await startApiSystem({ settings, onLine: (_name, line) => samples.push(...readMetrics(line)) });
  ask = clientOf(system);
}, 120_000);
afterAll(() => system?.stop());
beforeEach(() => {
  samples = [];
});
afterEach(() => system.supabase.fault(undefined));

/** The sums of a function's metrics. */
function counted(service: string): Record<string, number> {
  const own = samples.filter(({ dimensions }) => dimensions['service'] === service);
  const sums: Record<string, number> = {};
  for (const { name, value } of own) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}

describe('the limit in shadow mode', () => {
  test('refuses nobody, and counts those whom it would have refused and those who come near it', async () => {
    const answers = await askMany(LIMIT + 5, 1, () => ask('/api/health'));
    expect(statusesOf(answers)).toEqual({ 200: LIMIT + 5 });
    expect(answers.at(-1)?.headers).toMatchObject({ 'x-ratelimit-remaining': '0' });
    expect(answers.at(-1)?.headers).not.toHaveProperty('retry-after');
    // The last fifth of the limit is near it: those with 4, 3, 2, 1 and 0 left.
    expect(counted('health')).toMatchObject({ Requests: LIMIT + 5, RateLimited: 5, NearLimit: 5, ServerErrors: 0 });
  });

  test('refuses nobody either while it cannot be asked, and counts that', async () => {
    system.supabase.fault((_method, path) => (path === '/rpc/check_rate_limit' ? 'down' : undefined));
    const answers = await askMany(LIMIT + 5, 1, () => ask('/api/queue/acme'));
    expect(statusesOf(answers)).toEqual({ 404: LIMIT + 5 });
    expect(counted('queue-status')).toMatchObject({ RateLimitUnavailable: LIMIT + 5, RateLimited: 0 });
  });
});

test('each answer of health says whether it was degraded or unhealthy, in metrics of the service and the stage', async () => {
  await ask('/api/health');
  expect(counted('health')).toMatchObject({ Requests: 1, Degraded: 1, Unhealthy: 0 });
  samples = [];
  system.supabase.fault(() => 'down');
  await ask('/api/health');
  expect(counted('health')).toMatchObject({ Requests: 1, Degraded: 0, Unhealthy: 1 });
  for (const { namespace, dimensions } of samples) {
    expect({ namespace, dimensions }).toEqual({
      namespace: 'Queuekeeper',
      dimensions: { service: 'health', stage: 'local' },
    });
  }
});

test('a queue that is public needs no key', async () => {
  expect(await ask('/api/queue/acme')).toMatchObject({
    status: 404,
    json: { detail: expect.stringContaining('customer') },
  });
});

describe('where no site is allowed', () => {
  const headers = { Origin: 'https://shop.example' };

  test('no answer says anything to pages', async () => {
    const answers = await Promise.all([
      ask('/api/health', { headers }),
      ask('/api/queue/acme', { headers }),
      ask('/api/nothing', { headers }),
      ask('/api/health', { headers, method: 'POST' }),
    ]);
    for (const { headers: sent } of answers) {
      expect(Object.keys(sent).filter((name) => /^(access-control-|vary)/.test(name))).toEqual([]);
    }
  });

  test('a preflight is a wrong method', async () => {
    expect(await ask('/api/health', { method: 'OPTIONS', headers })).toMatchObject({
      status: 405,
      headers: { allow: 'GET' },
    });
  });
});
