import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { migrateDown, migrateUp } from '../../cli/migrate.ts';
import { aJob, aPolicy, call, dumpTables, eventsOf, jobRow } from './builders.ts';
import { EXISTING_SCHEMAS, type ExistingSchema } from './existing-schemas.ts';
import { type FreshDatabase, freshDatabase } from './harness.ts';
import { dumpSchema } from './schema-dump.ts';

const DIRECTORY = new URL('../../migrations/', import.meta.url);

async function migrationFiles(): Promise<string[]> {
  return (await readdir(DIRECTORY)).filter((file) => file.endsWith('.sql')).sort();
}

/** As pasted in an SQL editor: each file, that many times. */
async function paste(client: pg.Client, times: number): Promise<void> {
  for (const file of await migrationFiles()) {
    const sql = await readFile(new URL(file, DIRECTORY), 'utf8');
    for (let time = 0; time < times; time++) await client.query(sql);
  }
}

async function existing({ sql }: ExistingSchema): Promise<{ database: FreshDatabase; client: pg.Client }> {
  const database = await freshDatabase({ migrated: false, oldDefaultPrivileges: true });
  const client = await database.connect();
  await client.query(sql);
  return { database, client };
}

/** The rows of the tables that were there, without the columns that came with Queuekeeper. */
async function ownRows(client: pg.Client, before?: Record<string, string[]>): Promise<Record<string, unknown[]>> {
  const now = await dumpTables(client);
  const tables = before ?? now;
  const own: Record<string, unknown[]> = {};
  for (const [table, rows] of Object.entries(tables)) {
    const columns = Object.keys(JSON.parse(rows[0] ?? '{}'));
    const pick = (row: string) => Object.fromEntries(columns.map((column) => [column, JSON.parse(row)[column]]));
    own[table] = (now[table] ?? [])
      .map(pick)
      .map((row) => JSON.stringify(row))
      .sort();
  }
  return own;
}

describe.each(EXISTING_SCHEMAS)('over a full database with $name', (schema) => {
  test('the migrations keep every row, pasted twice as well', async () => {
    const { client } = await existing(schema);
    const tables = await dumpTables(client);
    const before = await ownRows(client);
    await paste(client, 2);
    expect(await ownRows(client, tables)).toEqual(before);
    const once = await dumpSchema(client);
    await paste(client, 1);
    expect(await dumpSchema(client)).toEqual(once);
    expect(await ownRows(client, tables)).toEqual(before);
  });

  test('the word for a finished job stays the one that its rows and constraint know', async () => {
    const { client, database } = await existing(schema);
    await migrateUp(database.url);
    expect(await call(client, 'public.completed_status()')).toBe(schema.completed);
  });

  test('a job lives its whole life, as service_role', async () => {
    const { client, database } = await existing(schema);
    await migrateUp(database.url);
    await client.query('set role service_role');
    const { rows: found } = await client.query('select id, customer_id, reason from public.find_stale_jobs()');
    expect(found).toEqual([{ id: schema.staleJob, customer_id: schema.customer, reason: 'heartbeat_lost' }]);
    expect((await client.query('select id from public.stale_jobs_view')).rows).toHaveLength(1);
    const { rows } = await client.query('select job_id, action from public.recover_stale_jobs()');
    expect(rows).toEqual([{ job_id: schema.staleJob, action: 'requeue' }]);
    expect((await client.query('select customer_id from public.take_dispatches()')).rows).toEqual([
      { customer_id: schema.customer },
    ]);
    const claim = await call<{ lease: number; job: object }>(client, `public.claim_job($1, 'worker-c')`, [
      schema.staleJob,
    ]);
    expect(claim).toMatchObject({ claimed: true, lease: 2, job: { customer_id: schema.customer } });
    expect(await call(client, 'public.heartbeat_job($1, 2)', [schema.staleJob])).toBe('alive');
    expect(await call(client, 'public.complete_job($1, 2)', [schema.staleJob])).toBe('completed');
    expect(await call(client, 'public.complete_job($1, 2)', [schema.staleJob])).toBe('completed');
    expect(await call(client, 'public.complete_job($1, 1)', [schema.staleJob])).toBe('lost');
    expect(await jobRow(client, schema.staleJob)).toMatchObject({ status: schema.completed });
    expect(await call(client, `public.claim_job($1, 'worker-c')`, [schema.staleJob])).toEqual({
      claimed: false,
      reason: 'finished',
    });
    const { rows: events } = await client.query('select event from public.queue_history where job_id = $1', [
      schema.staleJob,
    ]);
    expect(events.map(({ event }) => event)).toEqual([
      'created',
      'requeued_stale',
      'claimed',
      'completed',
      'completion_refused',
    ]);
  });

  test('a heartbeat that a worker writes itself keeps its job alive', async () => {
    const { client, database } = await existing(schema);
    await migrateUp(database.url);
    await client.query(`update public.worker_heartbeats set last_heartbeat = now() where worker_id = 'worker-a'`);
    expect(await call(client, 'count(*)::int from public.find_stale_jobs()')).toBe(0);
  });

  test("the history's own guard goes on refusing changes", async () => {
    const { client, database } = await existing(schema);
    await migrateUp(database.url);
    await expect(client.query('delete from public.queue_history')).rejects.toThrow('history is for ever');
  });

  test('anon and authenticated lose what the old default privileges gave them', async () => {
    const { client, database } = await existing(schema);
    await migrateUp(database.url);
    for (const role of ['anon', 'authenticated']) {
      const { rows } = await client.query(
        `select t as table_name from unnest(array['jobs', 'worker_heartbeats', 'queue_history']) t
         where has_table_privilege($1, 'public.' || t, 'select, insert, update, delete, truncate')`,
        [role],
      );
      expect(rows).toEqual([]);
    }
  });

  test('all rollbacks leave the tables, their rows and their columns as they were', async () => {
    const { client, database } = await existing(schema);
    // A view of the same name as ours is replaced for good.
    const shape = async () => {
      const lines = await dumpSchema(client);
      return lines.filter((line) => /^(column|constraint|index|trigger) (?!stale_jobs_view)/.test(line));
    };
    const [columns, rows] = [await shape(), await dumpTables(client)];
    await migrateUp(database.url);
    await migrateDown(database.url, (await migrationFiles()).length);
    expect(await shape()).toEqual(columns);
    expect(await dumpTables(client)).toEqual(rows);
    await migrateUp(database.url);
    await migrateDown(database.url, (await migrationFiles()).length, { dropData: true });
    expect(await shape()).toEqual(columns);
    expect(await dumpTables(client)).toEqual(rows);
  });
});

test.each([
  ['worker_id', 'uuid', 'text'],
  ['errors', 'jsonb', 'integer'],
  ['held_at', 'boolean', 'timestamptz'],
])('a column %s that is %s already, where %s is wanted, is refused by name', async (column, type, wanted) => {
  const database = await freshDatabase({ migrated: false });
  const client = await database.connect();
  const { sql } = EXISTING_SCHEMAS[1] as ExistingSchema;
  await client.query(sql);
  await client.query(`alter table public.jobs add column ${column} ${type}`);
  const before = await dumpSchema(client);
  await expect(migrateUp(database.url)).rejects.toThrow(`jobs.${column} is ${type}, wanted ${wanted}`);
  expect(await dumpSchema(client)).toEqual(before);
});

describe('the word for a finished job', () => {
  test.each([
    ['no constraint and no rows', 'text', '', 'completed'],
    [
      'no constraint and rows that say complete',
      'text',
      `insert into public.jobs (status) values ('complete')`,
      'complete',
    ],
    [
      'no constraint and rows that say both',
      'text',
      `insert into public.jobs (status) values ('complete'), ('completed')`,
      'completed',
    ],
    [
      'a constraint that allows both',
      `text check (status in ('pending', 'in_progress', 'complete', 'completed'))`,
      '',
      'completed',
    ],
    [
      'a constraint on another column that says complete',
      `text check (status in ('pending', 'in_progress', 'completed')), payment_status text check (payment_status in ('complete', 'open'))`,
      '',
      'completed',
    ],
    [
      'a constraint on another column that says completed',
      `text check (status in ('pending', 'in_progress', 'complete')), payment_status text check (payment_status in ('completed', 'open'))`,
      '',
      'complete',
    ],
  ])('with %s', async (_name, column, rows, word) => {
    const database = await freshDatabase({ migrated: false });
    const client = await database.connect();
    await client.query(`
      create table public.jobs (
        id uuid primary key default gen_random_uuid(), customer_id text, package_size integer, priority_level integer,
        created_at timestamptz, updated_at timestamptz, started_at timestamptz, completed_at timestamptz,
        error_message text, metadata jsonb, status ${column}
      );
      ${rows}`);
    await client.query(await readFile(new URL('001_jobs.sql', DIRECTORY), 'utf8'));
    expect(await call(client, 'public.completed_status()')).toBe(word);
  });
});

describe('over an empty database', () => {
  test.each([{ oldDefaultPrivileges: true }, { oldDefaultPrivileges: false }])(
    'up, down to nothing and up again leave an identical schema, with %j',
    async ({ oldDefaultPrivileges }) => {
      const database = await freshDatabase({ migrated: false, oldDefaultPrivileges });
      const client = await database.connect();
      const files = await migrationFiles();
      const nothing = await dumpSchema(client);
      expect(await migrateUp(database.url)).toEqual(files);
      const first = await dumpSchema(client);
      expect(first.length).toBeGreaterThan(100);
      expect(await migrateDown(database.url, files.length)).toEqual(files.toReversed());
      expect(await dumpSchema(client)).toEqual(nothing);
      await migrateUp(database.url);
      expect(await dumpSchema(client)).toEqual(first);
    },
  );

  test('each file pasted twice leaves what the runner leaves', async () => {
    const [pasted, migrated] = [await freshDatabase({ migrated: false }), await freshDatabase()];
    const client = await pasted.connect();
    await paste(client, 2);
    expect(await dumpSchema(client)).toEqual(await dumpSchema(await migrated.connect()));
  });

  test('each rollback can be run twice', async () => {
    const client = await (await freshDatabase()).connect();
    for (const file of (await migrationFiles()).toReversed()) {
      const sql = await readFile(new URL(`rollback/${file}`, DIRECTORY), 'utf8');
      await client.query(sql);
      await client.query(sql);
    }
    expect(await dumpTables(client)).toEqual({});
  });

  test('every migration has its rollback', async () => {
    const rollbacks = (await readdir(new URL('rollback/', DIRECTORY))).sort();
    expect(rollbacks).toEqual(await migrationFiles());
  });
});

describe('a rollback of tables that are ours', () => {
  const allButFirst = async () => (await migrationFiles()).length - 1;

  test.each([
    ['jobs', (client: pg.Client) => aJob(client), /001_jobs\.sql failed and changed nothing: jobs holds rows/],
    [
      'queue_history',
      (client: pg.Client) =>
        client.query(`insert into public.queue_history (job_id, event) values (gen_random_uuid(), 'created')`),
      /003_queue_history\.sql failed and changed nothing: queue_history holds rows/,
    ],
    [
      'job_policies',
      (client: pg.Client) => aPolicy(client, 'payment', { onStale: 'fail' }),
      /005_find_stale_jobs_function\.sql failed and changed nothing: job_policies holds policies/,
    ],
    [
      'job_policies, the default of which was changed',
      (client: pg.Client) => aPolicy(client, 'default', { onStale: 'hold' }),
      /005_find_stale_jobs_function\.sql failed and changed nothing: job_policies holds policies/,
    ],
    [
      'job_dispatches',
      async (client: pg.Client) => {
        const id = await aJob(client);
        await client.query('select public.release_job($1, 1)', [id]);
      },
      /006_job_dispatches\.sql failed and changed nothing: job_dispatches holds unsent messages/,
    ],
  ])('refuses to drop %s while it holds what a person would miss, unless told to', async (_table, fill, message) => {
    const database = await freshDatabase();
    const client = await database.connect();
    await fill(client);
    const files = await migrationFiles();
    await expect(migrateDown(database.url, files.length)).rejects.toThrow(message);
    const kept = await dumpTables(client);
    expect(Object.values(kept).flat().length).toBeGreaterThan(0);
    await migrateDown(database.url, files.length, { dropData: true });
    expect(await dumpTables(client)).toEqual({});
  });

  test('goes one step back by default', async () => {
    const database = await freshDatabase();
    expect(await migrateDown(database.url)).toEqual((await migrationFiles()).slice(-1));
    expect(await migrateDown(database.url, 100)).toHaveLength(await allButFirst());
    expect(await migrateDown(database.url)).toEqual([]);
  });
});

test('a held job stays stale and its events are complete where a trigger renews updated_at', async () => {
  const [schema] = EXISTING_SCHEMAS as [ExistingSchema];
  const { client, database } = await existing(schema);
  await migrateUp(database.url);
  await aPolicy(client, 'default', { onStale: 'hold' });
  await client.query('select * from public.recover_stale_jobs()');
  expect(await call(client, 'count(*)::int from public.find_stale_jobs()')).toBe(1);
  expect(await eventsOf(client, schema.staleJob)).toEqual(['created', 'held_stale']);
});
