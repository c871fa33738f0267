/**
 * What find_stale_jobs(10) costs on a big table, beside the same work without the partial index.
 *
 *   node bench/find-stale-jobs.ts [--rows 10000000]
 *
 * 2,000 jobs are in progress, 50 of them stale, all others finished. Real Postgres 17 with its default settings
 * (shared_buffers 128 MB), fsync off, one machine; figures are medians of RUNS runs on a warm cache.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrateUp } from '../cli/migrate.ts';
import { startPostgres } from '../local/postgres.ts';

const IN_PROGRESS = 2_000;
const STALE = 50;
const RUNS = 7;
const INDEX = 'jobs_in_progress_last_change_idx';

const { values } = parseArgs({ options: { rows: { type: 'string', default: '10000000' } } });
const rows = Number(values.rows);
if (!Number.isInteger(rows) || rows < IN_PROGRESS) {
  throw new Error(`--rows is ${values.rows}, wanted a whole number of at least ${IN_PROGRESS}`);
}

type Plan = Record<string, unknown> & { Plans?: Plan[] };
type Measured = { milliseconds: number; buffers: number; nodes: string[] };

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

  const measured: Record<string, Measured> = {
    'find_stale_jobs(10)': await measure(client, FIND),
    'find_stale_jobs(10), one type with a deadline': await withDeadline(client),
    'plain query on status and updated_at': await measure(client, PLAIN),
  };
  await client.query(`begin; drop index public.${INDEX}`);
  measured['find_stale_jobs(10), partial index dropped'] = await measure(client, FIND);
  measured['plain query, partial index dropped'] = await measure(client, PLAIN);
  await client.query('rollback');

  const table = Object.entries(measured).map(([name, { milliseconds, buffers }]) => [
    name,
    { buffers, 'median ms': Number(milliseconds.toFixed(2)) },
  ]);
  console.table(Object.fromEntries(table));
  for (const [name, { nodes }] of Object.entries(measured)) console.log(`${name}:\n  ${nodes.join('\n  ')}`);
}

async function withDeadline(client: pg.Client): Promise<Measured> {
  await client.query(`begin; insert into public.job_policies (job_type, deadline) values ('report', '2 hours')`);
  const measured = await measure(client, FIND);
  await client.query('rollback');
  return measured;
}

/** The plan that is printed is the one that ran, also inside of functions (auto_explain). */
async function measure(client: pg.Client, sql: string): Promise<Measured> {
  const runs: { milliseconds: number; buffers: number }[] = [];
  await client.query(sql); // warm
  for (let run = 0; run < RUNS; run++) {
    const { rows: explained } = await client.query(`explain (analyze, buffers, timing off, format json) ${sql}`);
    const [{ Plan: plan, 'Execution Time': milliseconds }] = explained[0]['QUERY PLAN'];
    runs.push({ milliseconds, buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] });
  }
  const median = (of: number[]) => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] as number;
  return {
    milliseconds: median(runs.map((run) => run.milliseconds)),
    buffers: median(runs.map((run) => run.buffers)),
    nodes: await scansOf(client, sql),
  };
}

/** The scans of tables, such as "Index Scan jobs_in_progress_last_change_idx on jobs". */
async function scansOf(client: pg.Client, sql: string): Promise<string[]> {
  const scans = new Set<string>();
  const visit = (plan: Plan): void => {
    const { 'Node Type': type, 'Index Name': index, 'Relation Name': relation } = plan;
    if (relation) scans.add([type, index, 'on', relation].filter(Boolean).join(' '));
    for (const child of plan.Plans ?? []) visit(child);
  };
  const listen = ({ message = '' }: { message?: string }): void => {
    if (message.includes('plan:')) visit(JSON.parse(message.slice(message.indexOf('{'))).Plan);
  };
  client.on('notice', listen);
  await client.query(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
    set auto_explain.log_format = json; set client_min_messages = log`);
  await client.query(sql);
  await client.query('set auto_explain.log_min_duration = -1; reset client_min_messages');
  client.off('notice', listen);
  return [...scans];
}
