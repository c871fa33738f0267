import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { migrateUp } from '../../cli/migrate.ts';
import { aJob, aWorkerHeartbeat, call, type Db } from './builders.ts';
import { EXISTING_SCHEMAS } from './existing-schemas.ts';
import { freshDatabase } from './harness.ts';
import { buffersOf, explainAll, plansOf, scansOf } from './plans.ts';
import { inTransaction } from './transaction.ts';

type MonitorRow = { monitor: string; last_run: string | null; last_success: string | null } & {
  seconds_since_run: number | null;
  seconds_since_success: number | null;
};
type SystemHealth = Record<string, number | null> & { monitors: MonitorRow[] };

const db = inTransaction();

/** A few seconds may pass between the back-dated row and the question. */
const about = (seconds: number) => expect.closeTo(seconds + 2, -1);

const health = (thresholdMinutes = 10, client: Db = db()) =>
  call<SystemHealth>(client, 'public.system_health($1)', [thresholdMinutes]);

/** A finished job whose times are SQL expressions. */
async function aFinishedJob(status: string, completedAt: string, updatedAt = completedAt): Promise<void> {
  const id = await aJob(db(), { status });
  await db().query(`update public.jobs set completed_at = ${completedAt}, updated_at = ${updatedAt} where id = $1`, [
    id,
  ]);
}

async function aRun(monitor: string, finished: string, succeeded: boolean, summary: object = {}): Promise<void> {
  await db().query(
    `insert into public.monitor_runs (run_id, monitor, started_at, finished_at, succeeded, summary)
     values ($1, $2, now() - $3::interval, clock_timestamp() - $3::interval, $4, $5)`,
    [randomUUID(), monitor, finished, succeeded, summary],
  );
}

describe('system_health', () => {
  test('of an empty database is zeros, and nulls for what nobody has counted', async () => {
    const neverRan = { last_run: null, last_success: null, seconds_since_run: null, seconds_since_success: null };
    expect(await health()).toEqual({
      jobs_pending: 0,
      jobs_in_progress: 0,
      jobs_completed_today: 0,
      jobs_failed_today: 0,
      workers_active: 0,
      stale_jobs: 0,
      oldest_pending_seconds: null,
      dead_letters: null,
      seconds_since_dead_letters: null,
      monitors: [
        { monitor: 'stale-job-monitor', ...neverRan },
        { monitor: 'dlq-monitor', ...neverRan },
      ],
    });
  });

  test('counts the jobs by state, and the stale ones as find_stale_jobs does', async () => {
    for (const status of ['pending', 'pending', 'completed', 'failed']) await aJob(db(), { status, updated: '0 s' });
    await aJob(db(), { updated: '11 minutes', started: '11 minutes' });
    await aJob(db(), { updated: '9 minutes', started: '9 minutes' });
    await aJob(db(), { held: '1 minute', updated: '2 minutes', started: '2 minutes' });
    expect(await health()).toMatchObject({ jobs_pending: 2, jobs_in_progress: 3, stale_jobs: 2 });
    expect(await call(db(), 'count(*)::int from public.find_stale_jobs(10)')).toBe(2);
    expect(await health(8)).toMatchObject({ stale_jobs: 3 });
  });

  const MIDNIGHT = `date_trunc('day', now(), 'UTC')`;
  test.each([
    { finished: 'the last microsecond of yesterday', at: `${MIDNIGHT} - interval '1 microsecond'`, counted: 0 },
    { finished: 'the first moment of today', at: MIDNIGHT, counted: 1 },
    { finished: 'the last microsecond of today', at: `${MIDNIGHT} + interval '86399.999999 s'`, counted: 1 },
    { finished: 'the first moment of tomorrow', at: `${MIDNIGHT} + interval '86400 s'`, counted: 0 },
  ])('counts a job that ended in $finished (UTC) $counted times, wherever the session is', async ({ at, counted }) => {
    await aFinishedJob('completed', at);
    await aFinishedJob('failed', 'null', at); // fail_job sets no completed_at
    await aFinishedJob('failed', at, `now() - interval '3 days'`);
    for (const zone of ['UTC', 'Pacific/Auckland', 'America/Los_Angeles']) {
      await db().query(`set local timezone = '${zone}'`);
      expect(await health()).toMatchObject({ jobs_completed_today: counted, jobs_failed_today: 2 * counted });
    }
  });

  test('counts what workers end by complete_job and fail_job', async () => {
    const [good, bad] = [await aJob(db()), await aJob(db())];
    await db().query(`select public.complete_job($1, 1), public.fail_job($2, 1, 'no', false)`, [good, bad]);
    expect(await health()).toMatchObject({ jobs_in_progress: 0, jobs_completed_today: 1, jobs_failed_today: 1 });
  });

  test.each([
    { beat: '9 minutes 50 seconds', active: 1 },
    { beat: '10 minutes 1 second', active: 0 },
    { beat: null, active: 0 },
  ])('counts a worker that was heard of $beat ago as $active active', async ({ beat, active }) => {
    await db().query('alter table public.worker_heartbeats alter last_heartbeat drop not null');
    await aWorkerHeartbeat(db(), { beat });
    expect(await health()).toMatchObject({ workers_active: active });
  });

  test.each([0, -1, null])('refuses a threshold of %s', async (minutes) => {
    await expect(call(db(), 'public.system_health($1)', [minutes])).rejects.toThrow(
      `threshold_minutes is ${minutes}, wanted a whole number of at least 1`,
    );
  });
});

describe('oldest_pending_seconds', () => {
  const oldest = async () => (await health())['oldest_pending_seconds'];

  async function aDispatch(jobId: string, notBefore: string, sent: string | null): Promise<void> {
    await db().query(
      `insert into public.job_dispatches (job_id, lease, requeued_by, not_before, sent_at, message_id)
       values ($1, 1, 'fail_job', clock_timestamp() + $2::interval, clock_timestamp() - $3::interval, $4)`,
      [jobId, notBefore, sent, sent && 'message-1'],
    );
  }

  test('is the age of the job that has waited longest', async () => {
    await aJob(db(), { status: 'pending', created: '50 seconds', updated: '50 seconds' });
    await aJob(db(), { status: 'pending', created: '300 seconds', updated: '300 seconds' });
    await aJob(db(), { status: 'failed', created: '900 seconds', updated: '900 seconds' });
    expect(await oldest()).toEqual(about(300));
  });

  test('is 0 of a job that was made by a clock ahead of ours', async () => {
    await aJob(db(), { status: 'pending', created: '-30 seconds', updated: '-30 seconds' });
    expect(await oldest()).toBe(0);
  });

  test('counts from the moment that a job was put back, not from its creation', async () => {
    await aJob(db(), { status: 'pending', created: '3 days', updated: '60 seconds' });
    expect(await oldest()).toEqual(about(60));
  });

  test.each([
    { message: 'must not be sent yet', notBefore: '1 minute', sent: null, waits: null },
    { message: 'was sent with a delay that is not over', notBefore: '1 minute', sent: '14 minutes', waits: null },
    { message: 'should have been sent', notBefore: '-1 minute', sent: null, waits: 3600 },
    { message: 'was sent and can be received', notBefore: '-1 minute', sent: '2 minutes', waits: 3600 },
  ])('of a job whose message $message is $waits', async ({ notBefore, sent, waits }) => {
    await aDispatch(await aJob(db(), { status: 'pending' }), notBefore, sent);
    expect(await oldest()).toEqual(waits && about(waits));
  });
});

describe('what the monitors recorded', () => {
  test('is the last run of each, and the last that succeeded', async () => {
    await aRun('stale-job-monitor', '400 seconds', true);
    await aRun('stale-job-monitor', '300 seconds', true);
    await aRun('stale-job-monitor', '60 seconds', false);
    await aRun('dlq-monitor', '30 seconds', false);
    await aRun('another', '10 seconds', true);
    const { monitors } = await health();
    expect(monitors).toMatchObject([
      { monitor: 'stale-job-monitor', seconds_since_run: about(60), seconds_since_success: about(300) },
      { monitor: 'dlq-monitor', seconds_since_run: about(30), last_success: null, seconds_since_success: null },
    ]);
    const { rows } = await db().query(
      `select finished_at from public.monitor_runs where monitor = 'stale-job-monitor' order by 1 desc limit 2`,
    );
    expect([monitors[0]?.last_run, monitors[0]?.last_success].map((at) => new Date(at as string))).toEqual(
      rows.map(({ finished_at }) => finished_at),
    );
  });

  test('says how many dead letters were counted last, and when, also where later runs could not count', async () => {
    await aRun('dlq-monitor', '900 seconds', true, { depth: 7 });
    await aRun('dlq-monitor', '600 seconds', false, { depth: 3, problems: ['alert Slack: no_service'] });
    await aRun('dlq-monitor', '300 seconds', false, { problems: ['SQS does not answer'] });
    await aRun('stale-job-monitor', '60 seconds', true, { depth: 99 });
    expect(await health()).toMatchObject({ dead_letters: 3, seconds_since_dead_letters: about(600) });
  });
});

describe('over REST', () => {
  test('the whole answer is one call of service_role, which ends in 2 seconds when the table is locked', async () => {
    const database = await freshDatabase();
    const [client, api] = [await database.connect(), await database.postgrest()];
    const ask = () =>
      fetch(`${api.url}/rpc/system_health`, {
        method: 'POST',
        headers: { ...api.headersOf('service_role'), 'content-type': 'application/json' },
        body: '{"threshold_minutes":10}',
      });
    const answer = await ask();
    expect([answer.status, await answer.json()]).toMatchObject([200, { jobs_pending: 0, monitors: [{}, {}] }]);

    await client.query('begin; lock table public.jobs in access exclusive mode');
    const startedAt = performance.now();
    expect(await (await ask()).json()).toMatchObject({ code: '57014' });
    // The role's own limit would be 8.
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    await client.query('rollback');
  });
});

test.each(EXISTING_SCHEMAS)('over a database with $name it knows the jobs that were there', async ({ sql }) => {
  const database = await freshDatabase({ migrated: false, oldDefaultPrivileges: true });
  const client = await database.connect();
  await client.query(sql);
  await migrateUp(database.url);
  await client.query('set role service_role');
  expect(await health(10, client)).toMatchObject({
    jobs_pending: 25,
    jobs_in_progress: 26,
    jobs_completed_today: 25,
    jobs_failed_today: 25,
    workers_active: 1,
    stale_jobs: 1,
    oldest_pending_seconds: expect.any(Number),
  });
});

describe('the cost grows with the jobs that wait, run or ended today, never with the table', () => {
  const JOBS = 60_000;
  const OF_EACH_KIND = 100;
  const FILL = `
    insert into public.jobs (customer_id, status, created_at, updated_at, started_at, completed_at)
    select 'customer-' || n % 500,
      case n % 600 when 0 then 'pending' when 1 then 'in_progress' when 2 then 'failed' else 'completed' end,
      now() - interval '40 days', changed, changed, case when n % 600 > 2 then changed end
    from generate_series(1, ${JOBS}) n, lateral (
      select case when n % 600 < 4 then now() else now() - (2 + n % 30) * interval '1 day' end as changed
    ) times`;
  const ASK = 'select public.system_health()';
  const INDEXES = ['jobs_waiting_line_idx', 'jobs_in_progress_last_change_idx', 'jobs_finished_at_idx'];

  const ALL_WAIT = `update public.jobs set status = 'pending' where status = 'completed'`;
  const THEY_END = `update public.jobs set status = 'completed' where status = 'pending' and completed_at is not null`;

  test.each([
    { state: 'a table with fresh statistics', existing: '', after: ['vacuum analyze public.jobs'] },
    { state: 'a table that was never analysed', existing: '', after: [] },
    {
      state: 'a table whose statistics are from a time when most jobs waited',
      existing: '',
      after: [ALL_WAIT, 'analyze public.jobs', THEY_END, 'vacuum public.jobs'],
    },
    { state: 'an older table, just migrated', existing: EXISTING_SCHEMAS[1]?.sql ?? '', after: [] },
  ])('over $state', async ({ existing, after }) => {
    const database = await freshDatabase({ migrated: !existing, oldDefaultPrivileges: true });
    const owner = await database.connect();
    await owner.query(`${existing}; alter table public.jobs set (autovacuum_enabled = off); ${FILL}`);
    if (existing) await migrateUp(database.url);
    for (const sql of after) await owner.query(sql);
    const client = await database.connect('supabase_admin');
    await client.query(ASK); // the catalog is read once
    await explainAll(client);
    const plans = await plansOf(client, ASK);
    const scans = scansOf(plans);
    expect(scans.map((node) => node['Index Name'])).toEqual(expect.arrayContaining(INDEXES));
    const ofJobs = scans.filter((node) => node['Relation Name'] === 'jobs').map((node) => node['Node Type']);
    expect(ofJobs).not.toContain('Seq Scan');
    const { rows } = await client.query(`select pg_relation_size('public.jobs') / 8192 as pages`);
    const mostBuffers = OF_EACH_KIND * 5;
    expect(Number(rows[0].pages)).toBeGreaterThan(mostBuffers * 1.5);
    expect(Math.max(...plans.map(buffersOf))).toBeLessThan(mostBuffers);
  });

  test('and jobs whose messages are delayed are looked up in a hash, however many are sent and however small work_mem', async () => {
    const database = await freshDatabase();
    const owner = await database.connect();
    await owner.query(`
      insert into public.job_dispatches (job_id, lease, requeued_by, not_before, sent_at, message_id)
      select gen_random_uuid(), 1, 'fail_job', now(), now(), 'message' from generate_series(1, 40000)`);
    await owner.query('analyze public.job_dispatches');
    const client = await database.connect('supabase_admin');
    await client.query(`set work_mem = '64kB'`);
    await explainAll(client);
    const line = scansOf(await plansOf(client, ASK)).find((node) => node['Filter']?.includes('NOT (ANY (id ='));
    expect(line?.['Filter']).toContain('hashed SubPlan');
  });
});
