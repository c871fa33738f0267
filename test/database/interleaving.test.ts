import { beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { aJob, aJobHeartbeat, aWorkerHeartbeat, call, dispatchesOf, eventsOf, jobRow } from './builders.ts';
import { type FreshDatabase, freshDatabase } from './harness.ts';

let database: FreshDatabase;
let worker: pg.Client;
let monitor: pg.Client;

beforeEach(async () => {
  database = await freshDatabase();
  [worker, monitor] = [await database.connect(), await database.connect()];
});

const recover = async (client: pg.Client = monitor) =>
  (await client.query('select * from public.recover_stale_jobs(breaker_share => 1)')).rows;

async function pidOf(client: pg.Client): Promise<number> {
  return call<number>(client, 'pg_backend_pid()');
}

/** Until the session with that pid waits for a lock. */
async function untilWaiting(observer: pg.Client, pid: number): Promise<void> {
  const waits = `wait_event_type = 'Lock' from pg_catalog.pg_stat_activity where pid = $1`;
  while (!(await call<boolean>(observer, waits, [pid]))) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A stale job of worker-1, and a second stale one of a dead worker that shows whether the run went on. */
async function staleJobs(): Promise<{ id: string; other: string }> {
  const id = await aJob(worker, { lease: 4, workerId: 'worker-1' });
  await aJobHeartbeat(worker, id, 4, '30 minutes');
  await aWorkerHeartbeat(worker, { workerId: 'worker-1', currentJobId: id, beat: '30 minutes' });
  return { id, other: await aJob(worker, { workerId: 'worker-2' }) };
}

describe('while a transaction is open that', () => {
  test.each([
    ['completes the job', `select public.complete_job('$id', 4)`, 'completed'],
    ['fails the job', `select public.fail_job('$id', 4, 'site is down', false)`, 'failed'],
    ['schedules a retry', `select public.fail_job('$id', 4, 'site is down')`, 'pending'],
    ['releases the job', `select public.release_job('$id', 4)`, 'pending'],
    ['asks for its end', `select public.cancel_job('$id')`, 'in_progress'],
    ['beats for the job', `select public.heartbeat_job('$id', 4)`, 'in_progress'],
    [
      'writes the worker heartbeat itself',
      `update public.worker_heartbeats set last_heartbeat = now() where worker_id = 'worker-1'`,
      'in_progress',
    ],
    [
      'completes the row past all functions',
      `update public.jobs set status = 'completed' where id = '$id'`,
      'completed',
    ],
    ['renews the row past all functions', `update public.jobs set updated_at = now() where id = '$id'`, 'in_progress'],
  ])('%s, a recovery leaves that job alone and recovers the others', async (_name, statement, status) => {
    const { id, other } = await staleJobs();
    if (statement.startsWith('update public.worker')) await worker.query('delete from public.job_heartbeats');
    await worker.query('begin');
    await worker.query(statement.replace('$id', id));
    expect(await recover()).toMatchObject([{ job_id: other, action: 'requeue' }]);
    await worker.query('commit');
    expect(await jobRow(worker, id)).toMatchObject({ status, lease: 4 });
    expect(await eventsOf(worker, id)).not.toContain('requeued_stale');
  });

  test('claims a job, a recovery sees it still pending and leaves it alone', async () => {
    const id = await aJob(worker, { status: 'pending', lease: 4 });
    await worker.query('begin');
    await worker.query(`select public.claim_job('${id}', 'worker-1')`);
    expect(await recover()).toEqual([]);
    await worker.query('commit');
    expect(await recover()).toEqual([]);
    expect(await jobRow(worker, id)).toMatchObject({ status: 'in_progress', lease: 5 });
  });

  test('beats for a job that has no worker on record, a recovery leaves it alone', async () => {
    const id = await aJob(worker, { lease: 0 });
    await aJobHeartbeat(worker, id, 0, '30 minutes');
    await worker.query('begin');
    expect(await call(worker, 'public.heartbeat_job($1, 0)', [id])).toBe('alive');
    expect(await recover()).toEqual([]);
    await worker.query('commit');
    expect(await recover()).toEqual([]);
  });

  test('beats for the first time a job that no claim_job took, a recovery leaves it alone', async () => {
    const id = await aJob(worker, { lease: 0 });
    await worker.query('begin');
    expect(await call(worker, 'public.heartbeat_job($1, 0)', [id])).toBe('alive');
    expect(await recover()).toEqual([]);
    await worker.query('commit');
    expect(await recover()).toEqual([]);
  });

  test('beats, and is rolled back, the job is recovered by the next run', async () => {
    const { id } = await staleJobs();
    await worker.query('begin');
    await worker.query(`select public.heartbeat_job('${id}', 4)`);
    await recover();
    await worker.query('rollback');
    expect(await recover()).toMatchObject([{ job_id: id, action: 'requeue' }]);
  });
});

describe('while a recovery is not yet committed,', () => {
  test.each([
    ['heartbeat_job', `public.heartbeat_job('$id', 4)`],
    ['complete_job', `public.complete_job('$id', 4)`],
    ['fail_job', `public.fail_job('$id', 4, 'site is down')`],
    ['release_job', `public.release_job('$id', 4)`],
  ])('%s waits, and then answers lost', async (_name, expression) => {
    const { id } = await staleJobs();
    await monitor.query('begin');
    await recover();
    const observer = await database.connect();
    const pid = await pidOf(worker);
    const answer = call(worker, expression.replace('$id', id));
    await untilWaiting(observer, pid);
    await monitor.query('commit');
    expect(await answer).toBe('lost');
    expect(await jobRow(worker, id)).toMatchObject({ status: 'pending', lease: 5, errors: 0 });
    expect(await dispatchesOf(worker, id)).toMatchObject([{ lease: 5, sent_at: null }]);
  });

  test('the first beat of a job that no claim_job took waits, and then answers lost', async () => {
    const id = await aJob(worker, { lease: 0 });
    await monitor.query('begin');
    await recover();
    const observer = await database.connect();
    const pid = await pidOf(worker);
    const answer = call(worker, 'public.heartbeat_job($1, 0)', [id]);
    await untilWaiting(observer, pid);
    await monitor.query('commit');
    expect(await answer).toBe('lost');
    expect(await call(worker, 'count(*)::int from public.job_heartbeats')).toBe(0);
  });

  test('a beat that waits goes on as if nothing had been, when the recovery is rolled back', async () => {
    const { id } = await staleJobs();
    await monitor.query('begin');
    await recover();
    const observer = await database.connect();
    const pid = await pidOf(worker);
    const answer = call(worker, 'public.heartbeat_job($1, 4)', [id]);
    await untilWaiting(observer, pid);
    await monitor.query('rollback');
    expect(await answer).toBe('alive');
    expect((await recover()).map((row) => row.job_id)).not.toContain(id);
  });

  test('a claim of the job waits, and then has the lease after the recovery', async () => {
    const { id } = await staleJobs();
    await monitor.query('begin');
    await recover();
    const observer = await database.connect();
    const pid = await pidOf(worker);
    const answer = call(worker, `public.claim_job($1, 'worker-3')`, [id]);
    await untilWaiting(observer, pid);
    await monitor.query('commit');
    expect(await answer).toMatchObject({ claimed: true, lease: 6 });
    expect(await dispatchesOf(worker, id)).toEqual([]);
  });

  test('a second recovery does not wait and takes nothing of it', async () => {
    await staleJobs();
    await monitor.query('begin');
    expect(await recover()).toHaveLength(2);
    expect(await recover(worker)).toEqual([]);
    await monitor.query('commit');
    expect(await recover(worker)).toEqual([]);
  });
});

describe('two workers at once', () => {
  test('cannot both claim a job', async () => {
    const id = await aJob(worker, { status: 'pending', lease: 0 });
    const other = await database.connect();
    const claim = (client: pg.Client, name: string) =>
      call<{ claimed: boolean }>(client, 'public.claim_job($1, $2)', [id, name]);
    await worker.query('begin');
    expect(await claim(worker, 'worker-1')).toMatchObject({ claimed: true });
    const pid = await pidOf(other);
    const second = claim(other, 'worker-2');
    await untilWaiting(monitor, pid);
    await worker.query('commit');
    expect(await second).toEqual({ claimed: false, reason: 'in_progress' });
    expect(await eventsOf(worker, id)).toEqual(['claimed']);
  });

  test('that refuse the same late completion record it once', async () => {
    const id = await aJob(worker, { lease: 5 });
    const clients = [worker, monitor, await database.connect(), await database.connect()];
    const answers = await Promise.all(clients.map((client) => call(client, 'public.complete_job($1, 4)', [id])));
    expect(answers).toEqual(['lost', 'lost', 'lost', 'lost']);
    expect(await eventsOf(worker, id)).toEqual(['completion_refused']);
  });
});

test('ten recoveries at once over 1,000 stale jobs recover each exactly once', async () => {
  await worker.query(`
    insert into public.jobs (customer_id, package_size, status, lease, worker_id, created_at, updated_at, started_at)
    select 'customer-1', 50, 'in_progress', n % 7, 'worker-' || n % 50, past, past, past
    from generate_series(1, 1000) n, (select now() - interval '1 hour' as past) times;
    insert into public.job_heartbeats select id, lease, updated_at from public.jobs where lease > 3;
    insert into public.worker_heartbeats (worker_id, last_heartbeat)
    select 'worker-' || n, now() - interval '1 hour' from generate_series(0, 40) n;
    create table public.before as select id, lease from public.jobs`);
  const monitors = await Promise.all(Array.from({ length: 10 }, () => database.connect()));
  const recoverAll = async (client: pg.Client): Promise<{ job_id: string; action: string }[]> => {
    const rows = await recover(client);
    return rows.length === 0 ? [] : [...rows, ...(await recoverAll(client))];
  };
  // Two of them may leave each other a worker's jobs, which the run after them finds.
  const rows = [...(await Promise.all(monitors.map(recoverAll))).flat(), ...(await recoverAll(monitor))];

  expect(rows.filter((row) => row.action !== 'requeue')).toEqual([]);
  expect(rows).toHaveLength(1_000);
  expect(new Set(rows.map((row) => row.job_id)).size).toBe(1_000);
  const { rows: wrong } = await worker.query(`
    select j.id from public.before b join public.jobs j using (id)
    where j.status <> 'pending' or j.lease <> b.lease + 1 or j.recoveries <> 1
      or (select count(*) from public.queue_history h where h.job_id = j.id and h.event = 'requeued_stale') <> 1
      or (select count(*) from public.job_dispatches d where d.job_id = j.id and d.lease = j.lease and d.sent_at is null) <> 1`);
  expect(wrong).toEqual([]);
  expect(await call(worker, 'count(*)::int from public.queue_history')).toBe(1_000);
  expect(await call(worker, 'count(*)::int from public.job_dispatches')).toBe(1_000);
});
