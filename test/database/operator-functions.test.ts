import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { migrateUp } from '../../cli/migrate.ts';
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
import { type FreshDatabase, freshDatabase } from './harness.ts';
import { recordRequests } from './rate-limit-builders.ts';

let database: FreshDatabase;
let db: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  db = await database.connect();
});

type Answer = { job_id: string; action: string; lease_before: string; lease_after: string; recoveries: number };

async function recover(jobId: string | null, options: { by?: string | null; dryRun?: boolean; minutes?: number } = {}) {
  const { by = 'arn:aws:iam::1:user/ada', dryRun = false, minutes = 10 } = options;
  const { rows } = await db.query(
    'select * from public.recover_stale_job(job_id => $1, requested_by => $2, threshold_minutes => $3, dry_run => $4)',
    [jobId, by, minutes, dryRun],
  );
  return rows as Answer[];
}

describe('recover_stale_job', () => {
  test('puts one stale job back to pending, with its dispatch, and leaves the others', async () => {
    const id = await aJob(db, { lease: 4, workerId: 'worker-7' });
    const other = await aJob(db);
    expect(await recover(id)).toMatchObject([
      { job_id: id, action: 'requeue', lease_before: '4', lease_after: '5', recoveries: 1, breaker_open: false },
    ]);
    expect(await jobRow(db, id)).toMatchObject({ status: 'pending', lease: 5 });
    expect(await dispatchesOf(db, id)).toMatchObject([{ lease: 5, sent_at: null }]);
    expect(await jobRow(db, other)).toMatchObject({ status: 'in_progress' });
  });

  test('writes who asked, before what was done, under one run id', async () => {
    const id = await aJob(db, { lease: 4, workerId: 'worker-7' });
    await recover(id, { by: 'ada' });
    const [asked, done] = await historyOf(db, id);
    expect(asked).toEqual({
      event: 'recovery_requested',
      worker_id: 'worker-7',
      details: {
        requested_by: 'ada',
        reason: 'no_heartbeat',
        stale_since: expect.any(String),
        lease: 4,
        run_id: done?.details['run_id'],
      },
    });
    expect(done).toMatchObject({ event: 'requeued_stale' });
  });

  test('a dry run answers the same and changes nothing', async () => {
    const id = await aJob(db, { lease: 4 });
    const before = await dumpTables(db);
    const preview = await recover(id, { dryRun: true });
    expect(await dumpTables(db)).toEqual(before);
    expect(await recover(id)).toEqual(preview);
  });

  test('asked twice, it recovers once and says that the job is pending', async () => {
    const id = await aJob(db);
    await recover(id);
    await expect(recover(id)).rejects.toMatchObject({
      message: `job ${id} is not stale: it is pending`,
      code: 'PT409',
    });
    expect(await eventsOf(db, id)).toEqual(['recovery_requested', 'requeued_stale']);
  });

  test('refuses a job that beat within the threshold, and leaves no event', async () => {
    const id = await aJob(db, { lease: 4 });
    await aJobHeartbeat(db, id, 4, '9 minutes');
    await expect(recover(id)).rejects.toThrow(
      `job ${id} is not stale: it is in progress, and was heard of within the threshold`,
    );
    expect(await eventsOf(db, id)).toEqual([]);
    expect(await recover(id, { minutes: 8 })).toMatchObject([{ action: 'requeue' }]);
  });

  test('names a job that is not there', async () => {
    const id = randomUUID();
    await expect(recover(id)).rejects.toMatchObject({ message: `there is no job ${id}`, code: '22023' });
    await expect(recover(null)).rejects.toThrow('there is no job null');
  });

  test.each([[null], [''], ['x'.repeat(201)]])('refuses to act for nobody, or for a name too long: %j', async (by) => {
    await expect(recover(await aJob(db), { by })).rejects.toThrow(/^requested_by is .*, wanted 1 to 200 characters/);
  });

  test.each([
    ['its row', (id: string) => `select from public.jobs where id = '${id}' for update`],
    ['its heartbeat', (id: string) => `update public.job_heartbeats set last_heartbeat = now() where job_id = '${id}'`],
    ['its worker', () => `update public.worker_heartbeats set last_heartbeat = now() where worker_id = 'busy-worker'`],
  ])('does not wait while somebody writes to %s, and says so', async (_what, sql) => {
    const id = await aJob(db, { lease: 4, workerId: 'busy-worker' });
    await aJobHeartbeat(db, id, 4, '1 hour');
    await db.query(`delete from public.worker_heartbeats where worker_id = 'busy-worker'`);
    await aWorkerHeartbeat(db, { workerId: 'busy-worker', currentJobId: id, beat: '1 hour' });
    const worker = await database.connect();
    await worker.query('begin');
    await worker.query(sql(id));
    await expect(recover(id)).rejects.toMatchObject({
      message: expect.stringContaining(`job ${id} is being written to at this moment`),
      code: 'PT409',
    });
    await worker.query('rollback');
    expect(await recover(id)).toMatchObject([{ action: 'requeue' }]);
  });

  test('does what the policy of the type says', async () => {
    await aPolicy(db, 'charge_card', { onStale: 'fail' });
    const id = await aJob(db, { jobType: 'charge_card' });
    expect(await recover(id)).toMatchObject([{ action: 'fail' }]);
    expect(await jobRow(db, id)).toMatchObject({ status: 'failed' });
  });

  test('recovers one job of many in an outage, and counts it', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 25; index++) ids.push(await aJob(db));
    expect(await recover(ids[24] as string)).toMatchObject([{ action: 'requeue', recoveries: 1 }]);
  });

  test('puts a job on hold where its policy says so, and releases it when asked again', async () => {
    await aPolicy(db, 'send_letter', { onStale: 'hold' });
    const id = await aJob(db, { jobType: 'send_letter', lease: 4, recoveries: 2 });
    expect(await recover(id)).toMatchObject([{ action: 'hold' }]);
    const before = await dumpTables(db);
    const preview = await recover(id, { dryRun: true });
    expect(preview).toMatchObject([{ action: 'release', lease_before: '4', lease_after: '4', recoveries: 0 }]);
    expect(await dumpTables(db)).toEqual(before);
    expect(await recover(id)).toEqual(preview);
    expect(await jobRow(db, id)).toMatchObject({ status: 'pending', held_at: null, recoveries: 0 });
    expect(await dispatchesOf(db, id)).toMatchObject([{ lease: 4, requeued_by: 'release_job' }]);
    expect((await eventsOf(db, id)).filter((event) => event === 'recovery_requested')).toHaveLength(2);
  });

  test('ends a job on hold whose end was asked for', async () => {
    const id = await aJob(db, { held: '30 minutes', cancelRequested: '20 minutes' });
    expect(await recover(id)).toMatchObject([{ action: 'cancel' }]);
    expect(await jobRow(db, id)).toMatchObject({ status: 'failed' });
  });
});

describe('list_stale_jobs', () => {
  const list = (args = '') => call<{ stale: number; jobs: { id: string }[] }>(db, `public.list_stale_jobs(${args})`);

  test('counts all stale jobs and gives the first of them, longest stale first', async () => {
    await db.query('delete from public.jobs');
    expect(await list()).toEqual({ stale: 0, jobs: [] });
    for (let index = 0; index < 3; index++) await aJob(db);
    const oldest = await aJob(db, { updated: '3 hours', started: '3 hours', created: '3 hours', recoveries: 2 });
    await aJob(db, { updated: '1 minute' });
    const { stale, jobs } = await list('row_limit => 2');
    expect([stale, jobs.length]).toEqual([4, 2]);
    expect(jobs[0]).toMatchObject({
      id: oldest,
      recoveries: 2,
      max_recoveries: 3,
      on_stale: 'requeue',
      reason: 'no_heartbeat',
    });
    expect((await list('threshold_minutes => 100')).jobs.map(({ id }) => id)).toEqual([oldest]);
  });

  test('refuses arguments out of range, and names them', async () => {
    await expect(list('row_limit => 0')).rejects.toThrow('row_limit is 0, wanted 1 to 1000');
    await expect(list('threshold_minutes => 0')).rejects.toThrow('threshold_minutes is 0');
  });
});

describe('recent_events', () => {
  const events = async (args = '') => (await db.query(`select * from public.recent_events(${args})`)).rows;

  test('gives the newest first, twenty unless told otherwise', async () => {
    const id = randomUUID();
    await db.query(
      `insert into public.queue_history (job_id, event, details, created_at)
       select $1, 'tick-' || n, '{"n": 1}', now() + interval '1 day' - make_interval(secs => n) from generate_series(1, 25) n`,
      [id],
    );
    const newest = await events();
    expect(newest.map(({ event }) => event)).toEqual(Array.from({ length: 20 }, (_, n) => `tick-${n + 1}`));
    expect(newest[0]).toEqual({
      created_at: expect.any(Date),
      event: 'tick-1',
      job_id: id,
      worker_id: null,
      details: { n: 1 },
    });
    expect(await events('row_limit => 3')).toHaveLength(3);
  });

  test('of two events in one transaction, the later one comes first', async () => {
    const id = await aJob(db);
    await recover(id);
    const names = (await events('row_limit => 1000')).filter(({ job_id }) => job_id === id).map(({ event }) => event);
    expect(names).toEqual(['requeued_stale', 'recovery_requested']);
  });

  test('keeps to the time asked for, both ends included', async () => {
    const id = randomUUID();
    for (const hour of ['10:00', '11:00', '12:00', '13:00']) {
      await db.query(`insert into public.queue_history (job_id, event, created_at) values ($1, $2, $3)`, [
        id,
        hour,
        `2020-01-01T${hour}:00Z`,
      ]);
    }
    const inTime = await events(`since => '2020-01-01T11:00Z', until => '2020-01-01T12:00Z'`);
    expect(inTime.map(({ event }) => event)).toEqual(['12:00', '11:00']);
  });

  test('reads an older history too, whose ids need not be uuids and whose words have a length', async () => {
    const { url, connect } = await freshDatabase({ migrated: false });
    const older = await connect();
    await older.query(`create table public.queue_history (
      job_id text, event varchar(50), details jsonb, worker_id varchar(80), created_at timestamptz)`);
    await migrateUp(url);
    await older.query(`insert into public.queue_history values ('job-7', 'created', null, 'worker-a', now())`);
    const { rows } = await older.query('select * from public.recent_events()');
    expect(rows).toMatchObject([{ job_id: 'job-7', event: 'created', worker_id: 'worker-a' }]);
  });

  test('refuses a limit out of range, and names it', async () => {
    await expect(events('0')).rejects.toThrow('row_limit is 0, wanted 1 to 1000');
    await expect(events('1001')).rejects.toThrow('row_limit is 1001, wanted 1 to 1000');
  });

  test('reads the newest by an index, never the whole history', async () => {
    await db.query(`insert into public.queue_history (job_id, event, created_at)
      select gen_random_uuid(), 'old', now() - interval '1 day' - make_interval(secs => n) from generate_series(1, 20000) n`);
    await db.query('analyze public.queue_history');
    const { rows } = await db.query(`explain select h.event from public.queue_history h
      where h.created_at between '-infinity' and 'infinity' order by h.created_at desc, h.ctid desc limit 20`);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('queue_history_created_at_idx');
  });
});

describe('busiest_callers', () => {
  /** So many requests, a second apart, the newest that long ago. */
  const requests = (caller: string, count: number, newest = '0 seconds', route = 'GET /api/health') =>
    recordRequests(
      db,
      `select $1, $2, clock_timestamp() - $3::interval - make_interval(secs => $4::integer - n), n
       from generate_series(1, $4) n`,
      [caller, route, newest, count],
    );
  const busiest = async (args = '') => {
    const { rows } = await db.query(`select * from public.busiest_callers(${args})`);
    return rows.map((row) => [
      row.caller,
      row.route,
      Number(row.requests),
      Number(row.requests_in_window),
      row.is_limited,
    ]);
  };
  const HEALTH = 'GET /api/health';

  test('gives those with the most requests first, and who is limited now', async () => {
    await db.query('delete from public.rate_limit_requests');
    await requests('calm', 3);
    await requests('busy', 55);
    await requests('earlier', 80, '10 minutes');
    await requests('calm', 7, '0 seconds', 'GET /api/queue/{customerId}');
    expect(await busiest('max_requests => 55')).toEqual([
      ['earlier', HEALTH, 80, 0, false],
      ['busy', HEALTH, 55, 55, true],
      ['calm', 'GET /api/queue/{customerId}', 7, 7, false],
      ['calm', HEALTH, 3, 3, false],
    ]);
    expect(await busiest('max_requests => 56')).toContainEqual(['busy', HEALTH, 55, 55, false]);
    expect(await busiest('1')).toEqual([['earlier', HEALTH, 80, 0, false]]);
  });

  test('counts from the time asked for, and in a window of the length asked for', async () => {
    await db.query('delete from public.rate_limit_requests');
    await requests('steady', 100, '1 second');
    expect(await busiest(`since => clock_timestamp() - interval '50.5 seconds', window_ms => 10500`)).toEqual([
      ['steady', HEALTH, 50, 10, false],
    ]);
  });

  test('counts an hour unless told otherwise', async () => {
    await db.query('delete from public.rate_limit_requests');
    await requests('gone', 5, '61 minutes');
    expect(await busiest()).toEqual([]);
    expect(await busiest(`since => '-infinity'`)).toEqual([['gone', HEALTH, 5, 0, false]]);
  });

  test('counts whole, though it looks only at the newest 20,000 requests', async () => {
    await db.query('delete from public.rate_limit_requests');
    await recordRequests(
      db,
      `select 'flood', 'GET /api/health', clock_timestamp() - make_interval(secs => (25000 - n) / 100.0), n
       from generate_series(1, 25000) n`,
    );
    expect(await busiest()).toMatchObject([['flood', HEALTH, 25_000, expect.any(Number), true]]);
  });

  test('agrees with the limiter about who is limited', async () => {
    await db.query('delete from public.rate_limit_requests');
    for (let request = 1; request <= 4; request++) {
      await db.query(`select public.check_rate_limit('someone', 'GET /api/health', max_requests => 3)`);
    }
    expect(await busiest('max_requests => 3')).toEqual([['someone', HEALTH, 3, 3, true]]);
  });

  test('refuses arguments out of range, and names them', async () => {
    await expect(busiest('0')).rejects.toThrow('row_limit is 0, max_requests is 100, window_ms is 60000, wanted');
    await expect(busiest('window_ms => 3600001')).rejects.toThrow('window_ms is 3600001');
  });
});

test('over REST, one recovery is one object, and a refusal has HTTP status 409', async () => {
  const api = await database.postgrest();
  const id = await aJob(db);
  const post = (dry_run: boolean) =>
    fetch(`${api.url}/rpc/recover_stale_job`, {
      method: 'POST',
      headers: { ...api.headersOf('service_role'), 'content-type': 'application/json' },
      body: JSON.stringify({ job_id: id, requested_by: 'ada', dry_run }),
    });
  const done = await post(false);
  expect(await done.json()).toMatchObject({ job_id: id, action: 'requeue', error: null });
  const refused = await post(false);
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ code: 'PT409', message: `job ${id} is not stale: it is pending` });
});
