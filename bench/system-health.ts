/**
 * What system_health() costs on a big table, beside the count by status that it stands for.
 *
 *   node bench/system-health.ts [--rows 10000000]
 *
 * A table of that many jobs is there before the migration comes, as it happens to a team: 2,000 wait, 2,000 are in progress,
 * 50 of them stale, 20,000 ended today. 20,000 workers were seen, 100 of them are alive. Then a busy day: a tenth more
 * ends today. Real Postgres 17 with its default settings (shared_buffers 128 MB), fsync off, one machine; figures are
 * medians of seven runs on a warm cache.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrateUp } from '../cli/migrate.ts';
import { startPostgres } from '../local/postgres.ts';
import { measureSql, printCosts } from './sql-cost.ts';

const WAITING = 2_000;
const IN_PROGRESS = 2_000;
const STALE = 50;
const ENDED_TODAY = 20_000;
const MIGRATION = '012_system_health.sql';

const { values } = parseArgs({ options: { rows: { type: 'string', default: '10000000' } } });
const rows = Number(values.rows);
const fewest = 10 * (WAITING + IN_PROGRESS + ENDED_TODAY);
if (!Number.isInteger(rows) || rows < fewest) {
  throw new Error(`--rows is ${values.rows}, wanted a whole number of at least ${fewest}`);
}

const server = await startPostgres();
try {
  const url = await server.createDatabase('bench');
  await migrateUp(url);
  const [client, owner] = [server.url('bench', 'supabase_admin'), url].map(
    (connectionString) => new pg.Client({ connectionString }),
  ) as [pg.Client, pg.Client];
  await Promise.all([client.connect(), owner.connect()]);
  try {
    await owner.query(await migration(`rollback/${MIGRATION}`));
    await timed(`${rows.toLocaleString('en')} jobs stored`, () => fill(client));
    await timed(`${MIGRATION} applied over them`, async () => owner.query(await migration(MIGRATION)));
    await report(client, 'as the migration left it');
    await timed('vacuum (analyze)', () => client.query('vacuum (analyze) public.jobs'));
    await report(client, 'after vacuum (analyze)');
    await timed(`${(rows / 10).toLocaleString('en')} more jobs ended today`, () => endToday(client, rows / 10));
    await report(client, 'on a busy day');
  } finally {
    await Promise.all([client.end(), owner.end()]);
  }
} finally {
  await server.stop();
}

function migration(file: string): Promise<string> {
  return readFile(new URL(`../migrations/${file}`, import.meta.url), 'utf8');
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await work();
  console.log(`${what} in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
}

/** Those that wait, run or ended today lie anywhere in the table, the others ended in the year before. */
async function fill(client: pg.Client): Promise<void> {
  await client.query(
    `insert into public.jobs (customer_id, package_size, status, created_at, updated_at, started_at, completed_at)
     select 'customer-' || n % 5000, 50, kind, past, last, last, case when kind = 'completed' then last end
     from generate_series(1, $1::integer) n, lateral (
       select case when n % $2 = 0 then 'pending' when n % $3 = 1 then 'in_progress' when n % 40 = 2 then 'failed'
         else 'completed' end as kind, now() - interval '400 days' as past
     ) kinds, lateral (
       select case
         when kind = 'in_progress' and n / $3 < $5 then now() - interval '1 hour'
         when kind in ('pending', 'in_progress') or n % $4 = 3 then now()
         else now() - (2 + n % 360) * interval '1 day'
       end as last
     ) times`,
    [rows, Math.floor(rows / WAITING), Math.floor(rows / IN_PROGRESS), Math.floor(rows / ENDED_TODAY), STALE],
  );
  await client.query(`
    insert into public.worker_heartbeats (worker_id, last_heartbeat)
    select 'worker-' || n, now() - case when n % 200 = 0 then interval '0' else interval '30 days' end
    from generate_series(1, 20000) n`);
}

async function endToday(client: pg.Client, count: number): Promise<void> {
  await client.query(
    `insert into public.jobs (customer_id, package_size, status, completed_at)
     select 'customer-' || n % 5000, 50, 'completed', now() from generate_series(1, $1::integer) n`,
    [count],
  );
}

async function report(client: pg.Client, state: string): Promise<void> {
  console.log(`\n${state}:`);
  const { rows: sizes } = await client.query(
    `select relname as name, pg_size_pretty(pg_relation_size(oid)) as size from pg_catalog.pg_class
     where relname = 'jobs' or relname ~ '^jobs_(waiting|in_progress|finished|pkey)' order by relkind desc, relname`,
  );
  console.table(Object.fromEntries(sizes.map(({ name, size }) => [name, { size }])));
  const { rows: answers } = await client.query("select public.system_health() - 'monitors' as answer");
  console.log(JSON.stringify(answers[0].answer));
  printCosts({
    'system_health()': await measureSql(client, 'select public.system_health()'),
    'count by status': await measureSql(client, 'select status, count(*) from public.jobs group by status'),
  });
}
