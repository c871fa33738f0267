/**
 * What find_stale_jobs(10) costs on a big table, beside the same work without the partial index.
 *
 *   npm run bench -- find-stale-jobs [--rows 10000000]
 *
 * 2,000 jobs are in progress, 50 of them stale, all others finished. Real Postgres 17 with its default settings
 * (shared_buffers 128 MB), fsync off, one machine; figures are medians of seven runs on a warm cache.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrateUp } from '../cli/migrate.ts';
import { startPostgres } from '../local/postgres.ts';
import { measureSql, printCosts, type SqlCost } from './sql-cost.ts';

const IN_PROGRESS = 2_000;
const STALE = 50;
const INDEX = 'jobs_in_progress_last_change_idx';

const { values } = parseArgs({ options: { rows: { type: 'string', default: '10000000' } } });
const rows = Number(values.rows);
if (!Number.isInteger(rows) || rows < IN_PROGRESS) {
  throw new Error(`--rows is ${values.rows}, wanted a whole number of at least ${IN_PROGRESS}`);
}

const FIND = 'select * from public.find_stale_jobs(10)';
const PLAIN = `select * from public.jobs where status = 'in_progress' and updated_at < now() - interval '10 minutes'`;

const server = await startPostgres();
try {
  await migrateUp(await server.createDatabase('bench'));
  const client = new pg.Client({ connectionString: server.url('bench', 'supabase_admin') });
  await client.connect();
  try {
    await fill(client);
    await report(client);
  } finally {
    await client.end();
  }
} finally {
  await server.stop();
}

async function fill(client: pg.Client): Promise<void> {
  const started = performance.now();
  await client.query(
    `insert into public.jobs (customer_id, package_size, status, lease, worker_id, created_at, updated_at, started_at)
     select 'customer-' || n % 5000, 50, case when n % $2 = 0 then 'in_progress' else 'completed' end, 1,
       'worker-' || n % 100, past, case when n % $2 = 0 and n / $2 > $3 then now() else past end,
       case when n % $2 = 0 and n / $2 > $3 then now() else past end
     from generate_series(1, $1) n, (select now() - interval '1 hour' as past) times`,
    [rows, Math.floor(rows / IN_PROGRESS), STALE],
  );
  await client.query(`
    insert into public.worker_heartbeats (worker_id, last_heartbeat)
    select 'worker-' || n, now() - interval '1 hour' from generate_series(0, 99) n`);
  await client.query('vacuum (analyze) public.jobs, public.worker_heartbeats');
  console.log(`${rows.toLocaleString('en')} jobs stored in ${Math.round((performance.now() - started) / 1000)} s`);
}

async function report(client: pg.Client): Promise<void> {
  const { rows: sizes } = await client.query(
    `select relname as name, pg_size_pretty(pg_relation_size(oid)) as size from pg_catalog.pg_class
     where relname in ('jobs', 'jobs_pkey', $1) order by relkind desc, relname`,
    [INDEX],
  );
  const { rows: counts } = await client.query(
    `select version() as version, (select count(*) from public.jobs where status = 'in_progress')::int as running,
       (select count(*) from public.find_stale_jobs(10))::int as stale`,
  );
  console.log(`${counts[0].version.split(' on ')[0]}, ${counts[0].running} in progress, ${counts[0].stale} stale\n`);
  console.table(Object.fromEntries(sizes.map(({ name, size }) => [name, { size }])));

  const measured: Record<string, SqlCost> = {
    'find_stale_jobs(10)': await measureSql(client, FIND),
    'find_stale_jobs(10), one type with a deadline': await withDeadline(client),
    'plain query on status and updated_at': await measureSql(client, PLAIN),
  };
  await client.query(`begin; drop index public.${INDEX}`);
  measured['find_stale_jobs(10), partial index dropped'] = await measureSql(client, FIND);
  measured['plain query, partial index dropped'] = await measureSql(client, PLAIN);
  await client.query('rollback');

  printCosts(measured);
}

async function withDeadline(client: pg.Client): Promise<SqlCost> {
  await client.query(`begin; insert into public.job_policies (job_type, deadline) values ('report', '2 hours')`);
  const measured = await measureSql(client, FIND);
  await client.query('rollback');
  return measured;
}
