import { describe, expect, test } from '@jest/globals';
import { aJob, aJobHeartbeat, aPolicy, aWorkerHeartbeat, type JobOptions } from './builders.ts';
import { freshDatabase } from './harness.ts';
import { inTransaction } from './transaction.ts';

const db = inTransaction();

/** Seconds between back-dating a row and judging it are on nobody's side: 15 of them are left free. */
const JUST_INSIDE = '9 minutes 45 seconds';
const JUST_OUTSIDE = '10 minutes 1 second';

type StaleJob = { id: string; reason: string; stale_seconds: number; last_heartbeat: Date | null };

async function findStale(threshold = 10): Promise<StaleJob[]> {
  const { rows } = await db().query(
    `select *, extract(epoch from clock_timestamp() - stale_since)::float as stale_seconds
     from public.find_stale_jobs($1)`,
    [threshold],
  );
  return rows;
}

async function staleIds(threshold = 10): Promise<string[]> {
  return (await findStale(threshold)).map(({ id }) => id);
}

async function reasonFor(options: JobOptions): Promise<string | undefined> {
  const id = await aJob(db(), options);
  return (await findStale()).find((job) => job.id === id)?.reason;
}

describe('a job in progress with no heartbeat', () => {
  test('is stale when its row last changed longer ago than the threshold', async () => {
    const id = await aJob(db(), { updated: JUST_OUTSIDE });
    expect(await findStale()).toMatchObject([{ id, reason: 'no_heartbeat', last_heartbeat: null }]);
  });

  test('is not stale when its row changed within the threshold', async () => {
    await aJob(db(), { updated: JUST_INSIDE });
    expect(await findStale()).toEqual([]);
  });

  test('is not stale when it was started within the threshold', async () => {
    await aJob(db(), { started: JUST_INSIDE });
    expect(await findStale()).toEqual([]);
  });

  test('is stale when it was started longer ago than the threshold', async () => {
    expect(await reasonFor({ started: JUST_OUTSIDE })).toBe('no_heartbeat');
  });

  test('is not stale when it was created within the threshold', async () => {
    await aJob(db(), { created: JUST_INSIDE });
    expect(await findStale()).toEqual([]);
  });

  test('is stale though its table never noted when it was started', async () => {
    expect(await reasonFor({ started: null })).toBe('no_heartbeat');
  });
});

test.each(['pending', 'completed', 'failed'])('a job that is %s is never stale', async (status) => {
  await aJob(db(), { status });
  expect(await findStale()).toEqual([]);
});

describe('a beat of the job itself', () => {
  test.each([
    { beat: JUST_INSIDE, reason: undefined },
    { beat: JUST_OUTSIDE, reason: 'heartbeat_lost' },
  ])('of $beat ago makes it $reason', async ({ beat, reason }) => {
    const id = await aJob(db(), { lease: 3 });
    await aJobHeartbeat(db(), id, 3, beat);
    expect((await findStale()).find((job) => job.id === id)?.reason).toBe(reason);
  });

  test.each([2, 4])('under lease %i does not keep lease 3 alive', async (lease) => {
    const id = await aJob(db(), { lease: 3 });
    await aJobHeartbeat(db(), id, lease, '1 second');
    expect(await findStale()).toMatchObject([{ id, reason: 'no_heartbeat', last_heartbeat: null }]);
  });

  test('that was never written leaves the judgement to the row of the worker that claimed it', async () => {
    const id = await aJob(db(), { workerId: 'worker-7' });
    await aJobHeartbeat(db(), id, 1, null);
    expect(await staleIds()).toEqual([id]);
    await aWorkerHeartbeat(db(), { workerId: 'worker-7', currentJobId: id, beat: JUST_INSIDE });
    expect(await staleIds()).toEqual([]);
  });

  test.each([
    ['with nothing in its hands', null],
    ['with another job in its hands', '00000000-0000-4000-8000-000000000000'],
  ])('that was never written is not made up for by its worker %s', async (_how, currentJobId) => {
    const id = await aJob(db(), { workerId: 'worker-7' });
    await aJobHeartbeat(db(), id, 1, null);
    await aWorkerHeartbeat(db(), { workerId: 'worker-7', currentJobId, beat: '1 second' });
    expect(await staleIds()).toEqual([id]);
  });

  test('that was never written is not made up for by an earlier worker that still names the job', async () => {
    const id = await aJob(db(), { workerId: 'worker-7' });
    await aJobHeartbeat(db(), id, 1, null);
    await aWorkerHeartbeat(db(), { workerId: 'worker-1', currentJobId: id, beat: '1 second' });
    expect(await staleIds()).toEqual([id]);
  });

  test('is what counts, though its process beats on with another job', async () => {
    const id = await aJob(db(), { workerId: 'worker-7' });
    await aJobHeartbeat(db(), id, 1, JUST_OUTSIDE);
    await aWorkerHeartbeat(db(), { workerId: 'worker-7', beat: '1 second' });
    expect(await findStale()).toMatchObject([{ id, reason: 'heartbeat_lost' }]);
  });
});

describe('a heartbeat of the worker', () => {
  test.each([
    { beat: JUST_INSIDE, reason: undefined },
    { beat: JUST_OUTSIDE, reason: 'heartbeat_lost' },
  ])('with the job in its hands, $beat ago, makes it $reason', async ({ beat, reason }) => {
    const id = await aJob(db());
    await aWorkerHeartbeat(db(), { currentJobId: id, beat });
    expect((await findStale()).find((job) => job.id === id)?.reason).toBe(reason);
  });

  test.each([
    { beat: JUST_INSIDE, reason: undefined },
    { beat: JUST_OUTSIDE, reason: 'heartbeat_lost' },
  ])('that holds the job, $beat ago, makes it $reason', async ({ beat, reason }) => {
    const id = await aJob(db(), { workerId: 'worker-7' });
    await aWorkerHeartbeat(db(), { workerId: 'worker-7', beat });
    expect((await findStale()).find((job) => job.id === id)?.reason).toBe(reason);
  });

  test('with another job in its hands does not keep this one alive', async () => {
    const id = await aJob(db());
    await aWorkerHeartbeat(db(), { currentJobId: '00000000-0000-4000-8000-000000000000', beat: '1 second' });
    expect(await staleIds()).toEqual([id]);
  });

  test('counts with the youngest, where several workers claim to have the job', async () => {
    const id = await aJob(db());
    await aWorkerHeartbeat(db(), { currentJobId: id, beat: '50 minutes' });
    await aWorkerHeartbeat(db(), { currentJobId: id, beat: JUST_INSIDE });
    expect(await findStale()).toEqual([]);
  });
});

describe('a deadline', () => {
  test.each([
    { started: '29 minutes 45 seconds', reason: undefined },
    { started: '30 minutes 1 second', reason: 'deadline_exceeded' },
  ])('of 30 minutes makes a beating job, started $started ago, $reason', async ({ started, reason }) => {
    await aPolicy(db(), 'report', { deadline: '30 minutes' });
    const id = await aJob(db(), { jobType: 'report', started, updated: '1 second' });
    await aJobHeartbeat(db(), id, 1, '1 second');
    expect((await findStale()).find((job) => job.id === id)?.reason).toBe(reason);
  });

  test.each([
    { updated: '45 minutes', minutes: 35 },
    { updated: '25 minutes', minutes: 20 },
  ])('of 30 minutes and a silence of $updated give the earlier of two times', async ({ updated, minutes }) => {
    await aPolicy(db(), 'report', { deadline: '30 minutes' });
    const id = await aJob(db(), { jobType: 'report', started: '50 minutes', updated });
    const [job] = await findStale();
    expect(job).toMatchObject({ id, reason: 'no_heartbeat' });
    expect(job?.stale_seconds).toBeCloseTo(minutes * 60, -1);
  });

  test('of one type says nothing about another', async () => {
    await aPolicy(db(), 'report', { deadline: '1 minute' });
    await aJob(db(), { jobType: 'upload', updated: '1 second' });
    expect(await findStale()).toEqual([]);
  });
});

describe('the policy of a type', () => {
  test.each([
    { staleAfter: '2 minutes', updated: '1 minute 45 seconds', isStale: false },
    { staleAfter: '2 minutes', updated: '2 minutes 1 second', isStale: true },
    { staleAfter: '3 hours', updated: '2 hours', isStale: false },
    { staleAfter: '3 hours', updated: '3 hours 1 second', isStale: true },
  ])('decides instead of the threshold: %j', async ({ staleAfter, updated, isStale }) => {
    await aPolicy(db(), 'report', { staleAfter });
    await aJob(db(), { jobType: 'report', created: '5 hours', started: '5 hours', updated });
    expect(await findStale()).toHaveLength(isStale ? 1 : 0);
  });

  test('inherits from the default what it leaves open', async () => {
    await aPolicy(db(), 'default', { staleAfter: '2 minutes', deadline: '40 minutes' });
    await aPolicy(db(), 'report', { staleAfter: '20 minutes' });
    await aPolicy(db(), 'upload', { deadline: '2 hours' });
    const late = await aJob(db(), { jobType: 'report', updated: '1 second', started: '41 minutes' });
    const silent = await aJob(db(), { jobType: 'upload', updated: '3 minutes' });
    await aJob(db(), { jobType: 'report', updated: '19 minutes', started: '39 minutes' });
    expect(new Set(await staleIds())).toEqual(new Set([late, silent]));
  });

  test.each([null, 'a type that nobody wrote a policy for'])('is the default for the type %j', async (jobType) => {
    await aPolicy(db(), 'default', { staleAfter: '2 minutes' });
    const id = await aJob(db(), { jobType, updated: '3 minutes', created: '3 minutes', started: '3 minutes' });
    await aJob(db(), { jobType, updated: '1 minute' });
    expect(await staleIds()).toEqual([id]);
  });

  test.each([null, 'unknown', 'report'])(
    'falls back to the threshold once the default row is deleted: %j',
    async (jobType) => {
      await aPolicy(db(), 'report');
      await db().query(`delete from public.job_policies where job_type = 'default'`);
      const id = await aJob(db(), { jobType, updated: JUST_OUTSIDE });
      await aJob(db(), { jobType, updated: JUST_INSIDE });
      expect(await staleIds()).toEqual([id]);
      const { rows } = await db().query('select * from public.effective_job_policies where job_type = $1', ['default']);
      expect(rows).toMatchObject([{ max_recoveries: 3, on_stale: 'requeue', max_errors: 5 }]);
    },
  );

  test.each([
    ['stale_after', { staleAfter: '0' }, 'job_policies_stale_after_is_positive'],
    ['deadline', { deadline: '-1 second' }, 'job_policies_deadline_is_positive'],
    ['max_recoveries', { maxRecoveries: -1 }, 'job_policies_max_recoveries_is_not_negative'],
    ['max_errors', { maxErrors: -1 }, 'job_policies_max_errors_is_not_negative'],
  ])('cannot be stored with an impossible %s', async (_column, policy, constraint) => {
    await expect(aPolicy(db(), 'report', policy)).rejects.toMatchObject({ constraint });
  });

  test('cannot be stored with an unknown answer to staleness', async () => {
    await expect(aPolicy(db(), 'report', { onStale: 'ignore' as 'hold' })).rejects.toMatchObject({
      constraint: 'job_policies_on_stale_is_known',
    });
  });
});

describe('the answer', () => {
  test('says since when a job is stale: its last sign of life plus the threshold', async () => {
    const id = await aJob(db(), { updated: '40 minutes' });
    await aJobHeartbeat(db(), id, 1, '25 minutes');
    const [job] = await findStale();
    expect(job?.stale_seconds).toBeCloseTo(15 * 60, -1);
  });

  test('lists the job that is stale the longest first', async () => {
    const second = await aJob(db(), { updated: '20 minutes' });
    const first = await aJob(db(), { updated: '30 minutes' });
    const third = await aJob(db(), { updated: '15 minutes' });
    expect(await staleIds()).toEqual([first, second, third]);
  });

  test('has the columns that the deployment guide promises', async () => {
    await aJob(db());
    const { rows } = await db().query(
      `select id, customer_id, status, package_size, priority_level, created_at, updated_at, last_heartbeat
       from public.find_stale_jobs()`,
    );
    expect(rows).toMatchObject([
      { customer_id: 'customer-1', status: 'in_progress', package_size: 50, priority_level: 3, last_heartbeat: null },
    ]);
  });

  test('is the same in stale_jobs_view, with the default threshold', async () => {
    await aJob(db(), { updated: JUST_OUTSIDE });
    await aJob(db(), { updated: JUST_INSIDE });
    const { rows } = await db().query('select * from public.stale_jobs_view');
    expect(rows).toHaveLength(1);
    expect(rows).toEqual((await db().query('select * from public.find_stale_jobs(10)')).rows);
  });

  test('includes a job on hold, which waits for a person', async () => {
    const id = await aJob(db(), { held: '20 minutes' });
    expect(await findStale()).toMatchObject([{ id, held_at: expect.any(Date) }]);
  });

  test('keeps a job on hold stale though a trigger renews updated_at, until its worker comes back', async () => {
    const own = await (await freshDatabase()).connect();
    await own.query(`
      create function public.renew() returns trigger language plpgsql as
        'begin new.updated_at := now(); return new; end';
      create trigger renew before update on public.jobs for each row execute function public.renew();`);
    await aPolicy(own, 'report', { onStale: 'hold' });
    const id = await aJob(own, { jobType: 'report', workerId: 'worker-7' });
    await own.query('select * from public.recover_stale_jobs()');
    const find = async () => (await own.query('select * from public.find_stale_jobs()')).rows;
    expect(await find()).toMatchObject([{ id, reason: 'no_heartbeat', held_at: expect.any(Date) }]);
    await aWorkerHeartbeat(own, { workerId: 'worker-7', beat: '0 seconds' });
    expect(await find()).toEqual([]);
  });

  test('does not depend on what else a team keeps in its own jobs table', async () => {
    await db().query(`
      alter table public.jobs add column last_heartbeat timestamptz default now(), add column deadline timestamptz,
        add column stale_after interval, add column on_stale text, add column max_recoveries integer,
        add column last_sign timestamptz, add column reason text, add column dry_run boolean default true,
        add column outage boolean default true, add column threshold integer default 99`);
    const id = await aJob(db());
    expect(await staleIds()).toEqual([id]);
    const { rows } = await db().query('select job_id, action from public.recover_stale_jobs()');
    expect(rows).toEqual([{ job_id: id, action: 'requeue' }]);
    expect((await db().query('select status from public.jobs')).rows).toEqual([{ status: 'pending' }]);
  });
});

describe('a threshold', () => {
  test.each([
    [0, /threshold_minutes is 0, wanted a whole number of at least 1/],
    [-1, /threshold_minutes is -1, wanted a whole number of at least 1/],
    [null, /threshold_minutes is null, wanted a whole number of at least 1/],
  ])('of %j is refused by value', async (threshold, message) => {
    await expect(db().query('select * from public.find_stale_jobs($1)', [threshold])).rejects.toMatchObject({
      message: expect.stringMatching(message),
      code: '22023',
    });
  });

  test('of 1 minute is the smallest', async () => {
    const id = await aJob(db(), { created: '61 seconds', updated: '61 seconds', started: '61 seconds' });
    await aJob(db(), { updated: '45 seconds' });
    expect(await staleIds(1)).toEqual([id]);
  });
});
