import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { aJob, aPolicy } from './builders.ts';
import { freshDatabase, type TestPostgrest } from './harness.ts';

/** What a worker in any language sees: plain HTTP and JSON, as service_role. */
let db: pg.Client;
let api: TestPostgrest;

beforeAll(async () => {
  const database = await freshDatabase();
  db = await database.connect();
  api = await database.postgrest();
});

async function rpc(name: string, body: Record<string, unknown>): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${api.url}/rpc/${name}`, {
    method: 'POST',
    headers: { ...api.headersOf('service_role'), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const ok = (body: unknown) => ({ status: 200, body });
const aPendingJob = () => aJob(db, { status: 'pending', lease: 0, jobType: 'report', metadata: { site: 'x' } });

async function aClaimedJob(): Promise<string> {
  const job_id = await aPendingJob();
  await rpc('claim_job', { job_id, worker_id: 'worker-1' });
  return job_id;
}

describe('over REST', () => {
  test('a claim answers the lease and the job', async () => {
    const job_id = await aPendingJob();
    expect(await rpc('claim_job', { job_id, worker_id: 'worker-1', message_lease: 0 })).toEqual(
      ok({
        claimed: true,
        lease: 1,
        job: {
          id: job_id,
          customer_id: 'customer-1',
          package_size: 50,
          priority_level: 3,
          job_type: 'report',
          retry_attempt: 0,
          metadata: { site: 'x' },
        },
      }),
    );
    expect(await rpc('claim_job', { job_id, worker_id: 'worker-2' })).toEqual(
      ok({ claimed: false, reason: 'in_progress' }),
    );
  });

  test('a claim of an unknown job says so', async () => {
    expect(await rpc('claim_job', { job_id: randomUUID(), worker_id: 'worker-1' })).toEqual(
      ok({ claimed: false, reason: 'unknown' }),
    );
  });

  test('a heartbeat answers a bare word', async () => {
    const job_id = await aClaimedJob();
    expect(await rpc('heartbeat_job', { job_id, lease: 1 })).toEqual(ok('alive'));
    expect(await rpc('heartbeat_job', { job_id, lease: 9 })).toEqual(ok('lost'));
    expect(await rpc('cancel_job', { job_id })).toEqual(ok('requested'));
    expect(await rpc('heartbeat_job', { job_id, lease: 1 })).toEqual(ok('cancel'));
  });

  test('a completion answers a bare word', async () => {
    const job_id = await aClaimedJob();
    expect(await rpc('complete_job', { job_id, lease: 0 })).toEqual(ok('lost'));
    expect(await rpc('complete_job', { job_id, lease: 1 })).toEqual(ok('completed'));
    expect(await rpc('complete_job', { job_id, lease: 1 })).toEqual(ok('completed'));
    expect(await rpc('claim_job', { job_id, worker_id: 'worker-2' })).toEqual(
      ok({ claimed: false, reason: 'finished' }),
    );
  });

  test('a failure answers a bare word, and retries unless told otherwise', async () => {
    const [one, two] = [await aClaimedJob(), await aClaimedJob()];
    expect(await rpc('fail_job', { job_id: one, lease: 1, error_message: 'down' })).toEqual(ok('retrying'));
    expect(await rpc('fail_job', { job_id: two, lease: 1, error_message: 'down', retry: false })).toEqual(ok('failed'));
    expect(await rpc('fail_job', { job_id: two, lease: 2, error_message: 'down' })).toEqual(ok('lost'));
  });

  test('a release answers a bare word', async () => {
    const job_id = await aClaimedJob();
    expect(await rpc('release_job', { job_id, lease: 1 })).toEqual(ok('released'));
    expect(await rpc('release_job', { job_id, lease: 0 })).toEqual(ok('lost'));
    expect(await rpc('cancel_job', { job_id })).toEqual(ok('cancelled'));
    expect(await rpc('cancel_job', { job_id })).toEqual(ok('finished'));
    expect(await rpc('cancel_job', { job_id: randomUUID() })).toEqual(ok('unknown'));
  });

  test('a stale job is found, recovered, and its message taken and marked', async () => {
    await db.query('delete from public.job_dispatches');
    await aPolicy(db, 'report', { deadline: '30 minutes' });
    const id = await aJob(db, { lease: 2, workerId: 'worker-9', jobType: 'report' });
    expect((await rpc('find_stale_jobs', {})).body).toMatchObject([
      { id, customer_id: 'customer-1', status: 'in_progress', lease: 2, last_heartbeat: null, reason: 'no_heartbeat' },
    ]);
    const run_id = randomUUID();
    const rehearsed = await rpc('recover_stale_jobs', { run_id, dry_run: true });
    expect(await rpc('recover_stale_jobs', { run_id })).toEqual(rehearsed);
    expect(rehearsed.body).toEqual([
      {
        job_id: id,
        customer_id: 'customer-1',
        job_type: 'report',
        action: 'requeue',
        reason: 'no_heartbeat',
        stale_since: expect.any(String),
        last_heartbeat: null,
        worker_id: 'worker-9',
        lease_before: 2,
        lease_after: 3,
        recoveries: 1,
        breaker_open: false,
        error: null,
      },
    ]);
    const { body: taken } = await rpc('take_dispatches', { batch_limit: 10, hold_seconds: 30 });
    expect(taken).toEqual([
      {
        dispatch_id: expect.any(Number),
        job_id: id,
        customer_id: 'customer-1',
        package_size: 50,
        priority_level: 3,
        retry_attempt: 1,
        lease: 3,
        requeued_by: 'stale_job_monitor',
        delay_seconds: 0,
      },
    ]);
    const [{ dispatch_id }] = taken as [{ dispatch_id: number }];
    expect(await rpc('mark_dispatches', { sent: [{ dispatch_id, message_id: 'm-1' }] })).toEqual(ok(1));
  });

  test.each([
    ['claim_job', { job_id: null, worker_id: 'worker-1' }, /^job_id is null/],
    ['claim_job', { job_id: randomUUID(), worker_id: '' }, /^job_id is .*, worker_id is ,/],
    ['find_stale_jobs', { threshold_minutes: 0 }, /^threshold_minutes is 0, wanted a whole number of at least 1$/],
    ['recover_stale_jobs', { threshold_minutes: -5 }, /^threshold_minutes is -5/],
    ['recover_stale_jobs', { batch_limit: 0 }, /^batch_limit is 0/],
    ['stale_job_health', { breaker_share: 2 }, /^breaker_min_running is 20, breaker_share is 2/],
    ['take_dispatches', { batch_limit: 0 }, /^batch_limit is 0, hold_seconds is 60/],
    ['cleanup_rate_limit_records', { older_than_hours: 0 }, /^older_than_hours is 0/],
  ])('%s answers 400 and says what is wrong with %j', async (name, body, message) => {
    expect(await rpc(name, body)).toMatchObject({
      status: 400,
      body: { code: '22023', message: expect.stringMatching(message) },
    });
  });
});
