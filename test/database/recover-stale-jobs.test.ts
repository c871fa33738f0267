import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  aJob,
  aJobHeartbeat,
  aPolicy,
  aWorkerHeartbeat,
  call,
  dispatchesOf,
  dumpTables,
  eventsOf,
  historyOf,
  jobRow,
} from './builders.ts';
import { inTransaction } from './transaction.ts';

const db = inTransaction();

type Recovery = {
  job_id: string;
  action: string;
  reason: string;
  lease_before: string;
  lease_after: string;
  recoveries: number;
  breaker_open: boolean;
  error: string | null;
};

/** Calls recover_stale_jobs with named arguments, such as { batch_limit: 3 }. */
async function recover(options: Record<string, unknown> = {}): Promise<Recovery[]> {
  const names = Object.keys(options);
  const list = names.map((name, index) => `${name} => $${index + 1}`).join(', ');
  return (await db().query(`select * from public.recover_stale_jobs(${list})`, Object.values(options))).rows;
}

async function manyJobs(count: number, options: Parameters<typeof aJob>[1] = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) ids.push(await aJob(db(), options));
  return ids;
}

/** Makes every insert into a table fail for one job. */
async function refuseInserts(table: 'queue_history' | 'job_dispatches', jobId: string): Promise<void> {
  await db().query(`
    create function public.refuse_insert() returns trigger language plpgsql as $$
    begin
      raise exception 'no room for %', new.job_id;
    end $$;
    create trigger refuse_insert before insert on public.${table}
      for each row when (new.job_id = '${jobId}') execute function public.refuse_insert()`);
}

describe('a recovery', () => {
  test('puts the job back to pending, one lease and one recovery on', async () => {
    const id = await aJob(db(), { lease: 4, recoveries: 1, workerId: 'worker-7' });
    expect(await recover()).toMatchObject([
      { job_id: id, action: 'requeue', lease_before: '4', lease_after: '5', recoveries: 2, error: null },
    ]);
    expect(await jobRow(db(), id)).toMatchObject({ status: 'pending', lease: 5, recoveries: 2, worker_id: null });
  });

  test('writes one event that says why, from which lease to which, and in which run', async () => {
    const id = await aJob(db(), { lease: 4, workerId: 'worker-7' });
    await aJobHeartbeat(db(), id, 4, '20 minutes');
    const runId = randomUUID();
    await recover({ run_id: runId });
    expect(await historyOf(db(), id)).toEqual([
      {
        event: 'requeued_stale',
        worker_id: 'worker-7',
        details: {
          reason: 'heartbeat_lost',
          stale_since: expect.any(String),
          last_heartbeat: expect.any(String),
          lease_before: 4,
          lease_after: 5,
          recoveries: 1,
          breaker_open: false,
          run_id: runId,
        },
      },
    ]);
  });

  test('writes one pending dispatch with the new lease, to be sent at once', async () => {
    const id = await aJob(db(), { lease: 4 });
    await recover();
    expect(await dispatchesOf(db(), id)).toMatchObject([
      { lease: 5, requeued_by: 'stale_job_monitor', sent_at: null, attempts: 0 },
    ]);
    expect(await call(db(), 'not_before <= clock_timestamp() from public.job_dispatches')).toBe(true);
  });

  test('replaces a dispatch that is still unsent', async () => {
    const id = await aJob(db(), { lease: 4 });
    await db().query(`insert into public.job_dispatches (job_id, lease, requeued_by, attempts, last_error, held_until)
      values ('${id}', 4, 'fail_job', 7, 'refused', now() + interval '1 hour')`);
    await recover();
    expect(await dispatchesOf(db(), id)).toMatchObject([
      { lease: 5, requeued_by: 'stale_job_monitor', attempts: 0, last_error: null, held_until: null },
    ]);
  });

  test('lets the message of a later recovery in a row wait, longer each time', async () => {
    const waits: number[] = [];
    for (const recoveries of [0, 1, 2]) {
      const id = await aJob(db(), { recoveries });
      await recover();
      const [dispatch] = await dispatchesOf(db(), id);
      waits.push(
        (Date.parse(dispatch?.not_before ?? '') - Date.parse(`${dispatch?.['created_at' as 'sent_at']}`)) / 1000,
      );
    }
    // 30 s × (2^(n-1) − 1), of which chance takes up to a half.
    expect(waits[1]).toBeGreaterThanOrEqual(15);
    expect(waits[1]).toBeLessThan(31);
    expect(waits[2]).toBeGreaterThanOrEqual(45);
    expect(waits[2]).toBeLessThan(91);
  });

  test('ends the beats of the old lease', async () => {
    const id = await aJob(db(), { lease: 4 });
    await aJobHeartbeat(db(), id, 4, '20 minutes');
    await recover();
    expect(await call(db(), 'count(*)::int from public.job_heartbeats')).toBe(0);
    expect(await call(db(), 'public.heartbeat_job($1, 4)', [id])).toBe('lost');
  });

  test('forgets when the job was started, so that a worker which does not note it gets the whole deadline', async () => {
    await aPolicy(db(), 'report', { deadline: '30 minutes' });
    const id = await aJob(db(), { jobType: 'report' });
    await recover();
    await db().query(`update public.jobs set status = 'in_progress', updated_at = clock_timestamp() where id = $1`, [
      id,
    ]);
    expect(await recover()).toEqual([]);
  });

  test('leaves alone what is not stale, pending or finished', async () => {
    await aJob(db(), { updated: '9 minutes 45 seconds' });
    for (const status of ['pending', 'completed', 'failed']) await aJob(db(), { status });
    const before = await dumpTables(db());
    expect(await recover()).toEqual([]);
    expect(await dumpTables(db())).toEqual(before);
  });

  test('takes the longest stale first, up to the batch limit, and the rest in the next call', async () => {
    const second = await aJob(db(), { updated: '40 minutes' });
    const first = await aJob(db(), { updated: '50 minutes' });
    const third = await aJob(db(), { updated: '30 minutes' });
    expect((await recover({ batch_limit: 2 })).map((row) => row.job_id)).toEqual([first, second]);
    expect((await recover({ batch_limit: 2 })).map((row) => row.job_id)).toEqual([third]);
    expect(await recover({ batch_limit: 2 })).toEqual([]);
  });

  test('passes over the jobs in except_ids', async () => {
    const [one, two] = await manyJobs(2);
    expect(await recover({ except_ids: [one] })).toMatchObject([{ job_id: two }]);
    expect(await jobRow(db(), `${one}`)).toMatchObject({ status: 'in_progress', lease: 1 });
  });

  test('passes over none when except_ids is null', async () => {
    await manyJobs(2);
    expect(await recover({ except_ids: null })).toHaveLength(2);
  });

  test('judges by the threshold it was given', async () => {
    const id = await aJob(db(), { updated: '21 minutes' });
    expect(await recover({ threshold_minutes: 30 })).toEqual([]);
    expect(await recover({ threshold_minutes: 20 })).toMatchObject([{ job_id: id }]);
  });

  test('recovers a job that beats but ran past its deadline, and tells its worker', async () => {
    await aPolicy(db(), 'report', { deadline: '30 minutes' });
    const id = await aJob(db(), { jobType: 'report', started: '31 minutes', updated: '1 second' });
    await aJobHeartbeat(db(), id, 1, '1 second');
    expect(await recover()).toMatchObject([{ job_id: id, reason: 'deadline_exceeded' }]);
    expect(await call(db(), 'public.heartbeat_job($1, 1)', [id])).toBe('lost');
  });
});

describe('the allowance', () => {
  async function loseWorker(id: string): Promise<string> {
    await db().query(`select public.claim_job($1, 'worker-7')`, [id]);
    await db().query(
      `update public.jobs set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour',
         started_at = now() - interval '1 hour';
       update public.worker_heartbeats set last_heartbeat = now() - interval '1 hour'`,
    );
    const [row] = await recover();
    return `${row?.action}`;
  }

  test('is three recoveries in a row, then the job fails with a message that a person can read', async () => {
    const id = await aJob(db(), { status: 'pending', lease: 0 });
    expect([await loseWorker(id), await loseWorker(id), await loseWorker(id)]).toEqual([
      'requeue',
      'requeue',
      'requeue',
    ]);
    expect(await loseWorker(id)).toBe('fail');
    const job = await jobRow(db(), id);
    expect(job).toMatchObject({ status: 'failed', recoveries: 3 });
    expect(job.error_message).toMatch(
      /^Stale since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(heartbeat_lost, worker worker-7, last heartbeat \d{4}-.* UTC\)\. Recovered 3 times in a row already, of 3 allowed\.$/,
    );
    expect((await eventsOf(db(), id)).at(-1)).toBe('failed_stale');
    expect(await dispatchesOf(db(), id)).toEqual([]);
  });

  test('of zero fails the job the first time', async () => {
    await aPolicy(db(), 'report', { maxRecoveries: 0 });
    const id = await aJob(db(), { jobType: 'report' });
    expect(await recover()).toMatchObject([{ job_id: id, action: 'fail', lease_before: '1', lease_after: '1' }]);
  });

  test('of its type is inherited by a job without one', async () => {
    await aPolicy(db(), 'default', { maxRecoveries: 7 });
    await aJob(db(), { recoveries: 6 });
    await aJob(db(), { recoveries: 7 });
    expect((await recover()).map((row) => row.action).sort()).toEqual(['fail', 'requeue']);
  });

  test('is whole again after a completion', async () => {
    const id = await aJob(db(), { recoveries: 3 });
    await db().query('select public.complete_job($1, 1)', [id]);
    expect(await jobRow(db(), id)).toMatchObject({ status: 'completed', recoveries: 0 });
  });

  test('is whole again after a release', async () => {
    const id = await aJob(db(), { recoveries: 3 });
    await db().query('select public.release_job($1, 1)', [id]);
    expect(await loseWorker(id)).toBe('requeue');
    expect(await jobRow(db(), id)).toMatchObject({ recoveries: 1 });
  });

  test('is not used up by errors that a worker reports', async () => {
    const id = await aJob(db(), { recoveries: 1 });
    await db().query(`select public.fail_job($1, 1, 'site is down')`, [id]);
    expect(await jobRow(db(), id)).toMatchObject({ status: 'pending', recoveries: 1, errors: 1 });
  });
});

describe('a policy', () => {
  test('of fail never runs the job twice', async () => {
    await aPolicy(db(), 'payment', { onStale: 'fail' });
    const id = await aJob(db(), { jobType: 'payment' });
    expect(await recover()).toMatchObject([{ job_id: id, action: 'fail', lease_after: '1', recoveries: 0 }]);
    const job = await jobRow(db(), id);
    expect(job).toMatchObject({ status: 'failed', lease: 1 });
    expect(job.error_message).toMatch(
      /^Stale since .* UTC \(no_heartbeat, worker unknown, last heartbeat never\)\. Its policy says: fail, never run twice\.$/,
    );
    expect(await eventsOf(db(), id)).toEqual(['failed_stale']);
    expect(await dispatchesOf(db(), id)).toEqual([]);
  });

  test('of hold says so once and leaves the job where a person finds it', async () => {
    await aPolicy(db(), 'payment', { onStale: 'hold' });
    const id = await aJob(db(), { jobType: 'payment', workerId: 'worker-7' });
    const before = await jobRow(db(), id);
    expect(await recover()).toMatchObject([{ job_id: id, action: 'hold', lease_after: '1' }]);
    expect(await recover()).toEqual([]);
    expect(await eventsOf(db(), id)).toEqual(['held_stale']);
    expect(await jobRow(db(), id)).toEqual({ ...before, held_at: expect.any(String) });
    expect((await db().query('select id from public.find_stale_jobs()')).rows).toEqual([{ id }]);
  });

  test('of hold lets the worker that was late, not dead, go on and complete', async () => {
    await aPolicy(db(), 'payment', { onStale: 'hold' });
    const id = await aJob(db(), { jobType: 'payment' });
    await aJobHeartbeat(db(), id, 1, '20 minutes');
    await recover();
    expect(await call(db(), 'public.heartbeat_job($1, 1)', [id])).toBe('alive');
    expect(await call(db(), 'public.complete_job($1, 1)', [id])).toBe('completed');
    expect(await jobRow(db(), id)).toMatchObject({ status: 'completed', held_at: null });
  });

  test('gives way to a request to cancel: the job ends and is not run again', async () => {
    const id = await aJob(db(), { cancelRequested: '30 minutes' });
    expect(await recover()).toMatchObject([{ job_id: id, action: 'cancel' }]);
    expect(await jobRow(db(), id)).toMatchObject({
      status: 'failed',
      error_message: 'Cancelled on request; its worker died before it confirmed.',
    });
    expect(await eventsOf(db(), id)).toEqual(['cancelled']);
    expect(await dispatchesOf(db(), id)).toEqual([]);
  });
});

describe('one bad job', () => {
  test.each(['queue_history', 'job_dispatches'] as const)(
    'that cannot be written to %s is left as it was, and the others are recovered',
    async (table) => {
      const ids = await manyJobs(5);
      const bad = `${ids[2]}`;
      await aJobHeartbeat(db(), bad, 1, '30 minutes');
      const before = await jobRow(db(), bad);
      await refuseInserts(table, bad);

      const rows = await recover();
      expect(rows).toHaveLength(5);
      expect(rows.find((row) => row.job_id === bad)).toMatchObject({
        action: 'error',
        error: `no room for ${bad}`,
        lease_before: '1',
        lease_after: '1',
      });
      expect(rows.filter((row) => row.action === 'requeue')).toHaveLength(4);

      expect(await jobRow(db(), bad)).toEqual(before);
      expect(await eventsOf(db(), bad)).toEqual([]);
      expect(await dispatchesOf(db(), bad)).toEqual([]);
      expect(await call(db(), 'count(*)::int from public.job_heartbeats')).toBe(1);
      for (const id of ids.filter((other) => other !== bad)) {
        expect(await jobRow(db(), id)).toMatchObject({ status: 'pending', lease: 2 });
        expect(await eventsOf(db(), id)).toEqual(['requeued_stale']);
        expect(await dispatchesOf(db(), id)).toHaveLength(1);
      }
    },
  );

  test('that fills the batch does not starve the rest once it is excepted', async () => {
    const bad = await aJob(db(), { updated: '59 minutes' });
    const good = await aJob(db(), { updated: '30 minutes' });
    await refuseInserts('queue_history', bad);
    expect(await recover({ batch_limit: 1 })).toMatchObject([{ job_id: bad, action: 'error' }]);
    expect(await recover({ batch_limit: 1, except_ids: [bad] })).toMatchObject([{ job_id: good, action: 'requeue' }]);
  });
});

describe('a dry run', () => {
  test('answers the very rows that the run then answers, and changes nothing', async () => {
    await aPolicy(db(), 'payment', { onStale: 'fail' });
    await aPolicy(db(), 'review', { onStale: 'hold' });
    await aPolicy(db(), 'report', { deadline: '30 minutes' });
    await aJob(db(), { workerId: 'worker-7' });
    await aWorkerHeartbeat(db(), { workerId: 'worker-7', beat: '30 minutes' });
    await aJob(db(), { recoveries: 3 });
    await aJob(db(), { jobType: 'payment' });
    await aJob(db(), { jobType: 'review' });
    await aJob(db(), { cancelRequested: '1 hour' });
    const beating = await aJob(db(), { jobType: 'report', updated: '1 second' });
    await aJobHeartbeat(db(), beating, 1, '1 second');

    const before = await dumpTables(db());
    const dry = await recover({ dry_run: true });
    expect(await dumpTables(db())).toEqual(before);
    expect(dry.map((row) => row.action).sort()).toEqual(['cancel', 'fail', 'fail', 'hold', 'requeue', 'requeue']);
    expect(await recover()).toEqual(dry);
    expect(await dumpTables(db())).not.toEqual(before);
  });

  test('answers the same rows in an outage, too', async () => {
    await manyJobs(30);
    const before = await dumpTables(db());
    const dry = await recover({ dry_run: true });
    expect(await dumpTables(db())).toEqual(before);
    expect(dry).toHaveLength(5);
    expect(await recover()).toEqual(dry);
  });
});

describe('the breaker', () => {
  /** Jobs that run, and how many of them are stale. */
  async function fleet(running: number, stale: number, options: Parameters<typeof aJob>[1] = {}): Promise<void> {
    await manyJobs(stale, options);
    await manyJobs(running - stale, { updated: '1 second' });
  }

  test.each([
    { running: 19, stale: 19, open: false },
    { running: 20, stale: 20, open: true },
    { running: 20, stale: 11, open: true },
    { running: 20, stale: 10, open: false },
    { running: 21, stale: 11, open: true },
    { running: 40, stale: 20, open: false },
    { running: 40, stale: 21, open: true },
  ])('with $stale of $running jobs stale is open: $open', async ({ running, stale, open }) => {
    await fleet(running, stale);
    expect((await db().query('select * from public.stale_job_health()')).rows).toEqual([
      { running, stale, held: 0, oldest_stale_seconds: expect.any(Number), breaker_open: open },
    ]);
    const rows = await recover();
    expect(rows).toHaveLength(open ? 5 : stale);
    expect(rows.every((row) => row.breaker_open === open && row.action === 'requeue')).toBe(true);
  });

  test('recovers the canary slice and neither uses up nor checks the allowance', async () => {
    await fleet(20, 20, { recoveries: 3 });
    const rows = await recover();
    expect(rows).toHaveLength(5);
    expect(rows).toEqual(rows.map((row) => ({ ...row, action: 'requeue', recoveries: 3, breaker_open: true })));
    const [first] = rows;
    expect(await jobRow(db(), `${first?.job_id}`)).toMatchObject({ status: 'pending', recoveries: 3, lease: 2 });
    expect((await historyOf(db(), `${first?.job_id}`))[0]?.details).toMatchObject({
      breaker_open: true,
      recoveries: 3,
    });
  });

  test('fails and holds nothing while it is open, and does so when it is closed again', async () => {
    await aPolicy(db(), 'payment', { onStale: 'fail' });
    await aPolicy(db(), 'review', { onStale: 'hold' });
    await manyJobs(10, { jobType: 'payment' });
    await manyJobs(10, { jobType: 'review' });
    expect(await recover()).toEqual([]);
    expect(await recover({ breaker_share: 1 })).toHaveLength(20);
  });

  test('keeps to a batch limit that is smaller than the canary slice', async () => {
    await fleet(20, 20);
    expect(await recover({ batch_limit: 2 })).toHaveLength(2);
  });

  test('takes its limits from the call', async () => {
    await fleet(4, 3);
    expect(await recover({ dry_run: true })).toHaveLength(3);
    expect(await recover({ dry_run: true, breaker_min_running: 4, canary_size: 1 })).toHaveLength(1);
    expect(await recover({ dry_run: true, breaker_min_running: 4, canary_size: 1, breaker_share: 0.75 })).toHaveLength(
      3,
    );
  });

  test('does not count jobs on hold, which wait for a person and not for a worker', async () => {
    await manyJobs(30, { held: '30 minutes' });
    await fleet(20, 10);
    expect((await db().query('select running, stale, held, breaker_open from public.stale_job_health()')).rows).toEqual(
      [{ running: 20, stale: 40, held: 30, breaker_open: false }],
    );
  });

  test('reports the age of the longest stale job, and 0 where there is none', async () => {
    expect(await call(db(), 'oldest_stale_seconds from public.stale_job_health()')).toBe(0);
    await manyJobs(2, { updated: '30 minutes' });
    const seconds = await call<number>(db(), 'oldest_stale_seconds from public.stale_job_health()');
    expect(seconds).toBeGreaterThanOrEqual(20 * 60);
    expect(seconds).toBeLessThan(20 * 60 + 15);
  });
});

describe('an argument', () => {
  test.each([
    [{ threshold_minutes: 0 }, /threshold_minutes is 0, wanted a whole number of at least 1/],
    [{ threshold_minutes: null }, /threshold_minutes is null/],
    [{ batch_limit: 0 }, /batch_limit is 0, .*wanted at least 1/],
    [{ batch_limit: null }, /batch_limit is null/],
    [{ canary_size: 0 }, /canary_size is 0/],
    [{ canary_size: null }, /canary_size is null/],
    [{ dry_run: null }, /dry_run is null/],
    [{ breaker_min_running: 0 }, /breaker_min_running is 0, .*wanted at least 1/],
    [{ breaker_min_running: null }, /breaker_min_running is null/],
    [{ breaker_share: -0.01 }, /breaker_share is -0.01, wanted .* a share from 0 to 1/],
    [{ breaker_share: 1.01 }, /breaker_share is 1.01/],
    [{ breaker_share: null }, /breaker_share is null/],
  ])('of %j is refused by name and value', async (options, message) => {
    await expect(recover(options)).rejects.toMatchObject({ message: expect.stringMatching(message), code: '22023' });
  });
});
