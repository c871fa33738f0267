import { expect, test } from '@jest/globals';
import { cleanRecords } from '../../lambdas/rate-limit-cleanup/clean.ts';
import type { Database } from '../../lambdas/shared/database.ts';

/** A database whose batches delete so many, one after the other. */
function deleting(...batches: number[]) {
  const calls: unknown[] = [];
  const database: Database = {
    async call<T>(name: string, args?: Record<string, unknown>) {
      calls.push({ name, ...args });
      return batches.shift() as T;
    },
  };
  return { database, calls };
}

test('goes on until a batch is not full', async () => {
  const { database, calls } = deleting(10_000, 10_000, 3);
  const report = await cleanRecords({ database, olderThanHours: 24, remainingMs: () => 100_000 });
  expect(report).toEqual({ deleted: 20_003, isDone: true });
  expect(calls).toEqual(Array(3).fill({ name: 'cleanup_rate_limit_records', older_than_hours: 24 }));
});

test('leaves the rest to the next run when its time is over', async () => {
  const { database } = deleting(10_000, 10_000, 10_000);
  const left = [60_000, 40_000, 20_000];
  const report = await cleanRecords({ database, olderThanHours: 24, remainingMs: () => left.shift() as number });
  expect(report).toEqual({ deleted: 20_000, isDone: false });
});

test('fails when the database does, so that the alarm of failed runs speaks', async () => {
  const database: Database = { call: () => Promise.reject(new Error('no answer')) };
  await expect(cleanRecords({ database, olderThanHours: 24, remainingMs: () => 100_000 })).rejects.toThrow('no answer');
});
