import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { aJob, call } from './builders.ts';
import { inTransaction } from './transaction.ts';

const db = inTransaction();

const record = (runId: string, options: { monitor?: string; succeeded?: boolean; summary?: object } = {}) =>
  call<number>(db(), 'public.record_monitor_run($1, $2, 1500, $3, $4)', [
    runId,
    options.monitor ?? 'stale-job-monitor',
    options.succeeded ?? true,
    options.summary ?? {},
  ]);

/** Worker-less completions of leases that were lost to a recovery. */
async function refuseCompletions(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const id = await aJob(db(), { lease: 5 });
    await db().query('select public.complete_job($1, 4)', [id]);
  }
  // All events of a transaction bear its one start; these come after the runs before them.
  await db().query('alter table public.queue_history disable trigger queue_history_is_append_only');
  await db().query(`update public.queue_history set created_at = clock_timestamp() where created_at = now()`);
  await db().query('alter table public.queue_history enable trigger queue_history_is_append_only');
}

describe('record_monitor_run', () => {
  test('keeps the run with its times and summary', async () => {
    const runId = randomUUID();
    await record(runId, { succeeded: false, summary: { recovered: 3 } });
    const { rows } = await db().query(
      'select *, extract(epoch from finished_at - started_at)::float as seconds from public.monitor_runs',
    );
    expect(rows).toMatchObject([
      { run_id: runId, monitor: 'stale-job-monitor', succeeded: false, summary: { recovered: 3 } },
    ]);
    expect(rows[0].seconds).toBeCloseTo(1.5, 1);
  });

  test('answers how many late completions were refused since the run before', async () => {
    await refuseCompletions(2);
    expect(await record(randomUUID())).toBe(2);
    expect(await record(randomUUID())).toBe(0);
    await refuseCompletions(1);
    expect(await record(randomUUID(), { monitor: 'another' })).toBe(3);
    expect(await record(randomUUID())).toBe(1);
  });

  test('answers the same when it is called again, and changes nothing', async () => {
    await record(randomUUID());
    await refuseCompletions(2);
    const runId = randomUUID();
    expect(await record(runId, { summary: { recovered: 3 } })).toBe(2);
    expect(await record(runId, { summary: { recovered: 99 } })).toBe(2);
    const { rows } = await db().query('select summary from public.monitor_runs where run_id = $1', [runId]);
    expect(rows).toEqual([{ summary: { recovered: 3 } }]);
  });

  test.each([
    { age: '29 days 23 hours', kept: 2 },
    { age: '30 days 1 minute', kept: 1 },
  ])('tidies its own runs after 30 days: $age', async ({ age, kept }) => {
    await record(randomUUID());
    await db().query('update public.monitor_runs set finished_at = now() - $1::interval', [age]);
    await record(randomUUID());
    expect(await call(db(), 'count(*)::int from public.monitor_runs')).toBe(kept);
  });

  test.each([
    { age: '6 days 23 hours', kept: 1 },
    { age: '7 days 1 minute', kept: 0 },
  ])('tidies messages 7 days after they were sent: $age', async ({ age, kept }) => {
    await db().query(
      `insert into public.job_dispatches (job_id, lease, requeued_by, sent_at, message_id)
       values ($1, 1, 'fail_job', now() - $2::interval, 'message-1')`,
      [randomUUID(), age],
    );
    await record(randomUUID());
    expect(await call(db(), 'count(*)::int from public.job_dispatches')).toBe(kept);
  });

  test('never tidies a message that is still to be sent', async () => {
    await db().query(
      `insert into public.job_dispatches (job_id, lease, requeued_by, created_at, not_before)
       values ($1, 1, 'fail_job', now() - interval '1 year', now() - interval '1 year')`,
      [randomUUID()],
    );
    await record(randomUUID());
    expect(await call(db(), 'count(*)::int from public.job_dispatches')).toBe(1);
  });
});

describe('wrong_recoveries_view', () => {
  test('is empty before the first recovery', async () => {
    expect((await db().query('select * from public.wrong_recoveries_view')).rows).toEqual([]);
  });

  test('has no share on a day without a recovery', async () => {
    await refuseCompletions(1);
    expect(
      (await db().query('select recoveries, completions_refused, share_wrong from public.wrong_recoveries_view')).rows,
    ).toEqual([{ recoveries: '0', completions_refused: '1', share_wrong: null }]);
  });
});

describe('queue_history', () => {
  test.each([
    `update public.queue_history set event = 'claimed'`,
    'delete from public.queue_history',
    'truncate public.queue_history',
  ])('refuses: %s', async (statement) => {
    await expect(db().query(statement)).rejects.toMatchObject({
      code: '23001',
      message: expect.stringMatching(/^queue_history is append-only: (UPDATE|DELETE|TRUNCATE) refused$/),
    });
  });
});
