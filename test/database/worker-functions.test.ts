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

type Claim = { claimed: boolean; reason?: string; lease?: number; job?: Record<string, unknown> };

const claim = (jobId: string | null, workerId: string | null = 'worker-1', messageLease: number | null = null) =>
  call<Claim>(db(), 'public.claim_job($1, $2, $3)', [jobId, workerId, messageLease]);
const heartbeat = (jobId: string, lease: number | null) => call(db(), 'public.heartbeat_job($1, $2)', [jobId, lease]);
const complete = (jobId: string, lease: number | null) => call(db(), 'public.complete_job($1, $2)', [jobId, lease]);
const release = (jobId: string, lease: number | null) => call(db(), 'public.release_job($1, $2)', [jobId, lease]);
const fail = (jobId: string, lease: number | null, message: string | null = 'site is down', retry = true) =>
  call(db(), 'public.fail_job($1, $2, $3, $4)', [jobId, lease, message, retry]);
const cancel = (jobId: string) => call(db(), 'public.cancel_job($1)', [jobId]);

const aPendingJob = (options: Parameters<typeof aJob>[1] = {}) =>
  aJob(db(), { status: 'pending', lease: 0, started: null, ...options });
const workers = async () => (await db().query('select * from public.worker_heartbeats order by worker_id')).rows;

/** A job that worker-1 lost: recovered, and, unless it stays pending, claimed by worker-2. */
async function aLostJob({ claimedAgain = true } = {}): Promise<{ id: string; oldLease: number; newLease: number }> {
  const id = await aPendingJob();
  const { lease: oldLease = 0 } = await claim(id, 'worker-1');
  await db().query(`
    update public.jobs set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour',
      started_at = now() - interval '1 hour' where id = '${id}';
    update public.worker_heartbeats set last_heartbeat = now() - interval '1 hour'`);
  await db().query('select * from public.recover_stale_jobs()');
  if (claimedAgain) await claim(id, 'worker-2');
  return { id, oldLease, newLease: (await jobRow(db(), id)).lease };
}

/** Everything but the history: what a worker that lost its job must not touch. */
async function dumpAllButHistory() {
  const { queue_history: _, ...rest } = await dumpTables(db());
  return rest;
}

describe('claim_job', () => {
  test('gives a pending job with the next lease', async () => {
    const id = await aPendingJob({ lease: 4, errors: 1, recoveries: 2, jobType: 'report', metadata: { site: 'x' } });
    expect(await claim(id)).toEqual({
      claimed: true,
      lease: 5,
      job: {
        id,
        customer_id: 'customer-1',
        package_size: 50,
        priority_level: 3,
        job_type: 'report',
        retry_attempt: 3,
        metadata: { site: 'x' },
      },
    });
    expect(await jobRow(db(), id)).toMatchObject({
      status: 'in_progress',
      lease: 5,
      worker_id: 'worker-1',
      started_at: expect.any(String),
    });
    expect(await historyOf(db(), id)).toEqual([
      { event: 'claimed', worker_id: 'worker-1', details: { lease: 5, message_lease: null } },
    ]);
  });

  test('is a sign of life of the worker, with the job in its hands', async () => {
    const id = await aPendingJob();
    await claim(id);
    expect(await workers()).toMatchObject([{ worker_id: 'worker-1', current_job_id: id, status: 'active' }]);
  });

  test('is no beat of the job: a worker that dies before its first is noticed', async () => {
    const id = await aPendingJob();
    await claim(id);
    const { rows } = await db().query('select job_id, lease, last_heartbeat from public.job_heartbeats');
    expect(rows).toEqual([{ job_id: id, lease: '1', last_heartbeat: null }]);
  });

  test('takes the message that was still to be sent', async () => {
    const id = await aJob(db());
    await release(id, 1);
    expect(await dispatchesOf(db(), id)).toHaveLength(1);
    expect(await claim(id)).toMatchObject({ claimed: true, lease: 2 });
    expect(await dispatchesOf(db(), id)).toEqual([]);
  });

  test.each([
    { status: 'in_progress', reason: 'in_progress' },
    { status: 'completed', reason: 'finished' },
    { status: 'failed', reason: 'finished' },
  ])('refuses a job that is $status and changes nothing', async ({ status, reason }) => {
    const id = await aJob(db(), { status });
    const before = await dumpTables(db());
    expect(await claim(id)).toEqual({ claimed: false, reason });
    expect(await dumpTables(db())).toEqual(before);
  });

  test('refuses a job that does not exist', async () => {
    expect(await claim(randomUUID())).toEqual({ claimed: false, reason: 'unknown' });
  });

  test('refuses an old message while a newer one is still to come', async () => {
    const id = await aJob(db(), { lease: 3 });
    await db().query('select * from public.recover_stale_jobs()');
    const before = await dumpTables(db());
    expect(await claim(id, 'worker-1', 3)).toEqual({ claimed: false, reason: 'superseded' });
    expect(await dumpTables(db())).toEqual(before);
    expect(await claim(id, 'worker-1', 4)).toMatchObject({ claimed: true, lease: 5 });
  });

  test('takes an old message once no newer one is to come, for the row is the truth', async () => {
    const id = await aPendingJob({ lease: 4 });
    expect(await claim(id, 'worker-1', 2)).toMatchObject({ claimed: true, lease: 5 });
  });

  test('takes a message that knows nothing of leases', async () => {
    const id = await aJob(db(), { lease: 3 });
    await db().query('select * from public.recover_stale_jobs()');
    expect(await claim(id, 'worker-1', null)).toMatchObject({ claimed: true, lease: 5 });
  });

  test.each([
    [null, 'worker-1', /job_id is null, worker_id is worker-1, wanted a job id and a name for the worker/],
    ['00000000-0000-4000-8000-000000000000', null, /worker_id is null/],
    ['00000000-0000-4000-8000-000000000000', '', /worker_id is , wanted/],
  ])('refuses the job %j for the worker %j by value', async (jobId, workerId, message) => {
    await expect(claim(jobId, workerId)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      code: '22023',
    });
  });
});

test('a claim whose answer was lost is recovered, though its worker goes on with another job', async () => {
  const [lost, other] = [await aPendingJob(), await aPendingJob()];
  await claim(lost); // the answer never arrives
  expect(await claim(lost)).toEqual({ claimed: false, reason: 'in_progress' });
  const { lease = 0 } = await claim(other);
  await db().query(
    `update public.jobs set created_at = created_at - interval '1 hour', started_at = started_at - interval '1 hour',
       updated_at = updated_at - interval '1 hour'`,
  );
  expect(await heartbeat(other, lease)).toBe('alive');
  const { rows } = await db().query('select job_id, action from public.recover_stale_jobs()');
  expect(rows).toEqual([{ job_id: lost, action: 'requeue' }]);
});

describe('heartbeat_job', () => {
  test('keeps the job and its worker alive', async () => {
    const id = await aPendingJob();
    await claim(id);
    await db().query(`
      update public.jobs set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour',
        started_at = now() - interval '1 hour';
      update public.worker_heartbeats set last_heartbeat = now() - interval '1 hour', current_job_id = null`);
    expect(await heartbeat(id, 1)).toBe('alive');
    expect((await db().query('select * from public.find_stale_jobs()')).rows).toEqual([]);
    expect(await workers()).toMatchObject([{ worker_id: 'worker-1', current_job_id: id, status: 'active' }]);
    expect(await call(db(), `last_heartbeat > now() - interval '1 minute' from public.worker_heartbeats`)).toBe(true);
  });

  test('answers cancel once that was requested, and still keeps the job alive', async () => {
    const id = await aPendingJob();
    await claim(id);
    await cancel(id);
    expect(await heartbeat(id, 1)).toBe('cancel');
    expect(await call(db(), 'last_heartbeat is not null from public.job_heartbeats')).toBe(true);
  });

  test('serves a job that was put in progress without claim_job', async () => {
    const id = await aJob(db(), { lease: 0 });
    expect(await heartbeat(id, 0)).toBe('alive');
    expect(await heartbeat(id, 0)).toBe('alive');
    expect((await db().query('select * from public.find_stale_jobs()')).rows).toEqual([]);
    expect(await workers()).toEqual([]);
  });

  test('takes over the beats that an older lease left behind', async () => {
    const id = await aJob(db(), { lease: 5 });
    await aJobHeartbeat(db(), id, 3, '1 minute');
    expect(await heartbeat(id, 5)).toBe('alive');
    expect(await call(db(), 'lease::int from public.job_heartbeats')).toBe(5);
  });

  test.each(['completed', 'failed', 'pending'])(
    'answers lost when somebody made the job %s by hand',
    async (status) => {
      const id = await aPendingJob();
      await claim(id);
      await db().query('update public.jobs set status = $1', [status]);
      expect(await heartbeat(id, 1)).toBe('lost');
    },
  );

  test('answers lost when the job was deleted', async () => {
    const id = await aPendingJob();
    await claim(id);
    await db().query('delete from public.jobs');
    expect(await heartbeat(id, 1)).toBe('lost');
  });
});

describe('a worker without the lease', () => {
  test.each([
    ['old', -1],
    ['new', 1],
  ])('hears lost and changes nothing: %s lease', async (_name, distance) => {
    const id = await aPendingJob({ lease: 7 });
    const { lease = 0 } = await claim(id);
    const before = await dumpAllButHistory();
    expect(await heartbeat(id, lease + distance)).toBe('lost');
    expect(await complete(id, lease + distance)).toBe('lost');
    expect(await fail(id, lease + distance)).toBe('lost');
    expect(await release(id, lease + distance)).toBe('lost');
    expect(await dumpAllButHistory()).toEqual(before);
  });

  test.each([
    ['heartbeat_job', heartbeat],
    ['complete_job', complete],
    ['fail_job', fail],
    ['release_job', release],
  ])('hears lost from %s and changes nothing: no lease at all', async (_name, answer) => {
    const id = await aPendingJob();
    await claim(id);
    const before = await dumpTables(db());
    expect(await answer(id, null)).toBe('lost');
    expect(await dumpTables(db())).toEqual(before);
  });

  test('hears lost about a job that does not exist', async () => {
    const id = randomUUID();
    expect([await heartbeat(id, 1), await complete(id, 1), await fail(id, 1), await release(id, 1)]).toEqual([
      'lost',
      'lost',
      'lost',
      'lost',
    ]);
    expect(await eventsOf(db(), id)).toEqual([]);
  });

  test.each([true, false])('lost it to a recovery; claimed by another since: %j', async (claimedAgain) => {
    const { id, oldLease } = await aLostJob({ claimedAgain });
    const before = await dumpAllButHistory();
    expect(await heartbeat(id, oldLease)).toBe('lost');
    expect(await complete(id, oldLease)).toBe('lost');
    expect(await fail(id, oldLease)).toBe('lost');
    expect(await release(id, oldLease)).toBe('lost');
    expect(await dumpAllButHistory()).toEqual(before);
  });
});

describe('complete_job', () => {
  test('ends the job, frees the worker and writes one event, however often it is called', async () => {
    const id = await aPendingJob({ recoveries: 2 });
    await claim(id);
    await heartbeat(id, 1);
    expect([await complete(id, 1), await complete(id, 1)]).toEqual(['completed', 'completed']);
    expect(await jobRow(db(), id)).toMatchObject({
      status: 'completed',
      recoveries: 0,
      completed_at: expect.any(String),
      error_message: null,
    });
    expect(await historyOf(db(), id)).toMatchObject([
      { event: 'claimed' },
      { event: 'completed', worker_id: 'worker-1', details: { lease: 1 } },
    ]);
    expect(await workers()).toMatchObject([{ worker_id: 'worker-1', current_job_id: null, status: 'idle' }]);
    expect(await call(db(), 'count(*)::int from public.job_heartbeats')).toBe(0);
  });

  test('leaves a worker busy that has another job in its hands already', async () => {
    const [one, two] = [await aPendingJob(), await aPendingJob()];
    await claim(one);
    await claim(two);
    await complete(one, 1);
    expect(await workers()).toMatchObject([{ current_job_id: two, status: 'active' }]);
  });

  test('refuses a late completion, and records it once', async () => {
    const { id, oldLease, newLease } = await aLostJob();
    expect([await complete(id, oldLease), await complete(id, oldLease)]).toEqual(['lost', 'lost']);
    const refusals = (await historyOf(db(), id)).filter(({ event }) => event === 'completion_refused');
    expect(refusals).toMatchObject([{ details: { lease: oldLease, lease_now: newLease, status: 'in_progress' } }]);
    expect(await complete(id, newLease)).toBe('completed');
    expect(await complete(id, oldLease)).toBe('lost');
    expect((await eventsOf(db(), id)).filter((event) => event === 'completion_refused')).toHaveLength(1);
  });

  test('records the late completion of a job that was in progress without a claim', async () => {
    const id = await aJob(db(), { lease: 0 });
    await db().query('select * from public.recover_stale_jobs()');
    expect(await complete(id, 0)).toBe('lost');
    expect(await eventsOf(db(), id)).toEqual(['requeued_stale', 'completion_refused']);
  });

  test('records no late completion for a job that its own worker gave back', async () => {
    const id = await aJob(db());
    await release(id, 1);
    expect(await complete(id, 1)).toBe('lost');
    expect(await eventsOf(db(), id)).toEqual(['released']);
  });

  test('records the late completion of a job that was failed as stale', async () => {
    const id = await aJob(db(), { recoveries: 3 });
    await db().query('select * from public.recover_stale_jobs()');
    expect(await complete(id, 1)).toBe('lost');
    expect(await eventsOf(db(), id)).toEqual(['failed_stale', 'completion_refused']);
  });

  test('records nothing for a lease that was never given', async () => {
    const id = await aPendingJob();
    await claim(id);
    expect([await complete(id, 9), await complete(id, -1)]).toEqual(['lost', 'lost']);
    expect(await eventsOf(db(), id)).toEqual(['claimed']);
  });

  test('makes the share of wrong recoveries visible by day', async () => {
    for (let index = 0; index < 3; index++) await aLostJob();
    const { id, oldLease } = await aLostJob();
    await complete(id, oldLease);
    const { rows } = await db().query('select * from public.wrong_recoveries_view');
    expect(rows).toMatchObject([{ recoveries: '4', completions_refused: '1', share_wrong: '0.250' }]);
  });
});

describe('fail_job', () => {
  test('with retry puts the job back after a wait, keeps the lease and writes one event', async () => {
    const id = await aPendingJob();
    await claim(id);
    expect(await fail(id, 1)).toBe('retrying');
    expect(await jobRow(db(), id)).toMatchObject({
      status: 'pending',
      lease: 1,
      errors: 1,
      recoveries: 0,
      error_message: 'site is down',
      worker_id: null,
      started_at: null,
    });
    expect((await historyOf(db(), id)).at(-1)).toEqual({
      event: 'retry_scheduled',
      worker_id: 'worker-1',
      details: { lease: 1, error: 'site is down', errors: 1 },
    });
    expect(await dispatchesOf(db(), id)).toMatchObject([{ lease: 1, requeued_by: 'fail_job', sent_at: null }]);
  });

  test('waits longer after each error', async () => {
    const waits: number[] = [];
    for (const errors of [0, 1, 2]) {
      const id = await aJob(db(), { errors });
      await fail(id, 1);
      waits.push(
        await call<number>(
          db(),
          'extract(epoch from not_before - clock_timestamp())::float from public.job_dispatches where job_id = $1',
          [id],
        ),
      );
    }
    // 10 s × 2^errors, of which chance takes up to a half.
    for (const [errors, wait] of waits.entries()) {
      expect(wait).toBeGreaterThan(10 * 2 ** errors * 0.4);
      expect(wait).toBeLessThanOrEqual(10 * 2 ** errors);
    }
  });

  test.each(['site is down', null])('answers the same call the same way and does it once: %j', async (message) => {
    const [again, final] = [await aJob(db()), await aJob(db())];
    expect([await fail(again, 1, message), await fail(again, 1, message)]).toEqual(['retrying', 'retrying']);
    expect([await fail(final, 1, message, false), await fail(final, 1, message, false)]).toEqual(['failed', 'failed']);
    expect(await eventsOf(db(), again)).toEqual(['retry_scheduled']);
    expect(await eventsOf(db(), final)).toEqual(['failed']);
    expect(await jobRow(db(), again)).toMatchObject({ errors: 1 });
    expect(await dispatchesOf(db(), again)).toHaveLength(1);
  });

  test('without retry ends the job', async () => {
    const id = await aJob(db(), { workerId: 'worker-1' });
    expect(await fail(id, 1, 'no such customer', false)).toBe('failed');
    expect(await jobRow(db(), id)).toMatchObject({ status: 'failed', error_message: 'no such customer', errors: 1 });
    expect(await historyOf(db(), id)).toMatchObject([{ event: 'failed', worker_id: 'worker-1' }]);
    expect(await dispatchesOf(db(), id)).toEqual([]);
  });

  test.each([
    { errors: 4, answer: 'retrying' },
    { errors: 5, answer: 'failed' },
  ])('after $errors errors, of 5 allowed, answers $answer', async ({ errors, answer }) => {
    expect(await fail(await aJob(db(), { errors }), 1)).toBe(answer);
  });

  test.each([
    { errors: 1, answer: 'retrying' },
    { errors: 2, answer: 'failed' },
  ])("asks the job's own policy first: after $errors errors, of 2 allowed, $answer", async ({ errors, answer }) => {
    await aPolicy(db(), 'report', { maxErrors: 2 });
    expect(await fail(await aJob(db(), { errors, jobType: 'report' }), 1)).toBe(answer);
    expect(await fail(await aJob(db(), { errors, jobType: 'unheard of' }), 1)).toBe('retrying');
  });

  test('does not retry a job whose end was requested', async () => {
    const id = await aJob(db(), { cancelRequested: '1 minute' });
    expect(await fail(id, 1, 'cancelled')).toBe('failed');
  });

  test('cuts a message that is longer than 10,000 characters, and still knows the call again', async () => {
    const id = await aJob(db());
    const long = 'x'.repeat(20_000);
    expect([await fail(id, 1, long), await fail(id, 1, long)]).toEqual(['retrying', 'retrying']);
    expect((await jobRow(db(), id)).error_message).toHaveLength(10_000);
  });
});

describe('release_job', () => {
  test('ends a job whose end was asked for, instead of giving it to the next worker', async () => {
    const id = await aPendingJob();
    const { lease = 0 } = await claim(id);
    await cancel(id);
    expect([await release(id, lease), await release(id, lease)]).toEqual(['released', 'released']);
    expect(await jobRow(db(), id)).toMatchObject({ status: 'failed', error_message: 'Cancelled on request.' });
    expect(await dispatchesOf(db(), id)).toEqual([]);
    expect(await eventsOf(db(), id)).toEqual(['claimed', 'cancel_requested', 'cancelled']);
  });

  test('puts the job back at once, unharmed, however often it is called', async () => {
    const id = await aPendingJob({ recoveries: 2, errors: 1 });
    await claim(id);
    expect([await release(id, 1), await release(id, 1)]).toEqual(['released', 'released']);
    expect(await jobRow(db(), id)).toMatchObject({
      status: 'pending',
      lease: 1,
      recoveries: 0,
      errors: 1,
      worker_id: null,
      started_at: null,
    });
    expect(await historyOf(db(), id)).toMatchObject([
      { event: 'claimed' },
      { event: 'released', worker_id: 'worker-1', details: { lease: 1 } },
    ]);
    expect(await dispatchesOf(db(), id)).toMatchObject([{ lease: 1, requeued_by: 'release_job', sent_at: null }]);
    expect(await call(db(), 'not_before <= clock_timestamp() from public.job_dispatches')).toBe(true);
  });
});

describe('cancel_job', () => {
  test('ends a pending job at once, with the message that was to be sent', async () => {
    const id = await aJob(db());
    await release(id, 1);
    expect(await cancel(id)).toBe('cancelled');
    expect(await jobRow(db(), id)).toMatchObject({ status: 'failed', error_message: 'Cancelled on request.' });
    expect(await dispatchesOf(db(), id)).toEqual([]);
    expect(await eventsOf(db(), id)).toEqual(['released', 'cancelled']);
    expect(await claim(id)).toEqual({ claimed: false, reason: 'finished' });
  });

  test('asks the worker of a running job, once', async () => {
    const id = await aJob(db(), { workerId: 'worker-1' });
    expect([await cancel(id), await cancel(id)]).toEqual(['requested', 'requested']);
    expect(await jobRow(db(), id)).toMatchObject({ status: 'in_progress', cancel_requested_at: expect.any(String) });
    expect(await historyOf(db(), id)).toEqual([
      { event: 'cancel_requested', worker_id: 'worker-1', details: { lease: 1 } },
    ]);
  });

  test('is no sign of life of the job', async () => {
    const id = await aJob(db());
    await cancel(id);
    expect(await call(db(), 'count(*)::int from public.find_stale_jobs()')).toBe(1);
  });

  test('comes too late for a job that completes first', async () => {
    const id = await aJob(db());
    await cancel(id);
    expect(await complete(id, 1)).toBe('completed');
    expect(await jobRow(db(), id)).toMatchObject({ status: 'completed', cancel_requested_at: null });
  });

  test.each(['completed', 'failed'])('leaves a %s job alone', async (status) => {
    const id = await aJob(db(), { status });
    expect(await cancel(id)).toBe('finished');
    expect(await eventsOf(db(), id)).toEqual([]);
  });

  test('does not know a job that does not exist', async () => {
    expect(await cancel(randomUUID())).toBe('unknown');
  });
});

describe('a worker that writes worker_heartbeats itself', () => {
  test('keeps its own row when it also calls these functions', async () => {
    await aWorkerHeartbeat(db(), { workerId: 'worker-1', beat: '1 hour' });
    await db().query(`update public.worker_heartbeats set queue_name = 'uploads', metadata = '{"host": "a"}'`);
    const id = await aPendingJob();
    await claim(id);
    await complete(id, 1);
    expect(await workers()).toMatchObject([
      { worker_id: 'worker-1', queue_name: 'uploads', metadata: { host: 'a' }, current_job_id: null },
    ]);
  });
});
