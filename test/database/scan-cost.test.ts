import { beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { freshDatabase } from './harness.ts';
import { buffersOf, explainAll, plansOf, scansOf } from './plans.ts';

const JOBS = 60_000;
const IN_PROGRESS = 1_000;
const STALE = 20;

let db: pg.Client;

beforeAll(async () => {
  db = await (await freshDatabase()).connect('supabase_admin');
  await db.query(`
    insert into public.jobs (customer_id, package_size, status, lease, created_at, updated_at, started_at)
    select 'customer-' || n % 500, 50, case when n <= ${IN_PROGRESS} then 'in_progress' else 'completed' end, 1,
      now() - interval '1 day', case when n <= ${STALE} then now() - interval '1 hour' else now() end,
      now() - interval '1 hour'
    from generate_series(1, ${JOBS}) n;
    insert into public.job_heartbeats select id, 1, updated_at from public.jobs where status = 'in_progress' limit 100;
    insert into public.worker_heartbeats (worker_id, current_job_id)
    select 'worker-' || n, gen_random_uuid() from generate_series(1, 2000) n`);
  await db.query('vacuum analyze public.jobs, public.job_heartbeats, public.worker_heartbeats');
  await explainAll(db);
}, 60_000);

const withDeadline = (sql: string) =>
  `begin; insert into public.job_policies (job_type, deadline) values ('report', '2 hours'); ${sql}; rollback`;

describe('the cost of a scan grows with the jobs in progress, never with the table', () => {
  test.each([
    ['find_stale_jobs', 'select * from public.find_stale_jobs(10)'],
    ['stale_jobs_view', 'select * from public.stale_jobs_view'],
    ['stale_job_health', 'select * from public.stale_job_health()'],
    ['a dry run of recover_stale_jobs', 'select * from public.recover_stale_jobs(dry_run => true)'],
    ['recover_stale_jobs', 'begin; select * from public.recover_stale_jobs(); rollback'],
    ['find_stale_jobs with a deadline', withDeadline('select * from public.find_stale_jobs(10)')],
  ])('%s reads jobs through the indexes of the jobs in progress', async (_name, sql) => {
    const scans = scansOf(await plansOf(db, sql));
    const indexes = new Set(scans.map((node) => node['Index Name']));
    expect(indexes).toContain('jobs_in_progress_last_change_idx');
    const ofJobs = scans.filter((node) => node['Relation Name'] === 'jobs');
    expect(ofJobs.length).toBeGreaterThan(0);
    expect(ofJobs.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
    expect(scans.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'])).not.toContain(
      'worker_heartbeats',
    );
  });

  test.each([
    ['', 'select * from public.find_stale_jobs(10)'],
    [' with a deadline', withDeadline('select * from public.find_stale_jobs(10)')],
  ])('find_stale_jobs%s reads a handful of buffers for each stale job, and none for the others', async (_name, sql) => {
    await plansOf(db, sql); // the catalog is read once
    const buffers = Math.max(...(await plansOf(db, sql)).map(buffersOf));
    expect(buffers).toBeGreaterThan(0);
    expect(buffers).toBeLessThan(STALE * 15 + 50);
    expect(buffers).toBeLessThan(IN_PROGRESS / 2);
  });
});

test('a heartbeat writes no job and touches no index', async () => {
  const database = await freshDatabase();
  const client = await database.connect();
  await client.query(`insert into public.jobs (customer_id) select 'customer-1' from generate_series(1, 5)`);
  const { rows: jobs } = await client.query(
    `select id, public.claim_job(id, 'worker-' || row_number() over ())->>'lease' as lease from public.jobs`,
  );
  const counters = `select relname, n_tup_upd::int as updates, n_tup_hot_upd::int as hot
    from pg_catalog.pg_stat_user_tables
    where relname in ('jobs', 'job_heartbeats', 'worker_heartbeats') order by relname`;
  await client.query('select pg_stat_force_next_flush()');
  const { rows: before } = await client.query(counters);
  for (let beat = 0; beat < 20; beat++) {
    for (const { id, lease } of jobs) await client.query('select public.heartbeat_job($1, $2)', [id, lease]);
  }
  await client.query('select pg_stat_force_next_flush()');
  const { rows: after } = await client.query(counters);
  const changed = after.map(({ relname, updates, hot }, index) => {
    const ofThem = (hot - before[index].hot) / 100;
    // A session that just starts in the same server can hold old rows for a moment: an update finds its page full then.
    return { relname, updates: updates - before[index].updates, hot: ofThem >= 0.8 ? 'nearly all' : ofThem };
  });
  expect(changed).toEqual([
    { relname: 'job_heartbeats', updates: 100, hot: 'nearly all' },
    { relname: 'jobs', updates: 0, hot: 0 },
    { relname: 'worker_heartbeats', updates: 100, hot: 'nearly all' },
  ]);
});
