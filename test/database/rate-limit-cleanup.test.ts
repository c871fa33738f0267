import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { migrateDown, migrateUp } from '../../cli/migrate.ts';
import { type FreshDatabase, freshDatabase } from './harness.ts';
import { aCaller, ask, letTimePass, recordRequests } from './rate-limit-builders.ts';
import { dumpSchema } from './schema-dump.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');

let database: FreshDatabase;
let db: pg.Client;

beforeEach(async () => {
  database = await freshDatabase();
  db = await database.connect();
});

const cleanup = async (hours?: number | null, client = db): Promise<number> => {
  const call = hours === undefined ? 'cleanup_rate_limit_records()' : 'cleanup_rate_limit_records($1)';
  const { rows } = await client.query(`select public.${call} as deleted`, hours === undefined ? [] : [hours]);
  return rows[0].deleted;
};
const left = async () => (await db.query('select count(*)::int as n from public.rate_limit_requests')).rows[0].n;
const records = (many: number, age: string) =>
  recordRequests(db, `select 'someone', 'r', clock_timestamp() - $2::interval, n from generate_series(1, $1) n`, [
    many,
    age,
  ]);

describe('the cleanup of requests on record', () => {
  test('keeps a day of them, unless it is told otherwise', async () => {
    await records(3, '24 hours 1 second');
    await records(2, '23 hours 59 minutes');
    expect(await cleanup()).toBe(3);
    expect(await cleanup(1)).toBe(2);
    expect(await left()).toBe(0);
  });

  test.each([0, -1, null])('refuses %s hours, which would be a new limit for every caller', async (hours) => {
    await records(1, '2 hours');
    await expect(cleanup(hours)).rejects.toMatchObject({ code: '22023' });
    expect(await left()).toBe(1);
  });

  test('cannot free a caller, however long its window is', async () => {
    const caller = aCaller();
    await ask(db, caller, { max: 1, windowMs: 3_600_000 });
    await letTimePass(db, 3_590_000);
    expect(await cleanup(1)).toBe(0);
    expect(await ask(db, caller, { max: 1, windowMs: 3_600_000 })).toMatchObject({ allowed: false });
  });

  test('deletes 10,000 a call, the oldest first', async () => {
    await records(10_000, '3 days');
    await records(1, '2 days');
    expect(await cleanup()).toBe(10_000);
    const { rows } = await db.query('select now() - requested_at < $1 as is_younger from public.rate_limit_requests', [
      '49 hours',
    ]);
    expect(rows).toEqual([{ is_younger: true }]);
    expect(await cleanup()).toBe(1);
  });

  test('leaves what another cleanup is about to delete to it, and does not wait', async () => {
    await records(5, '2 days');
    const other = await database.connect();
    await other.query('begin');
    expect(await cleanup(24, other)).toBe(5);
    await db.query(`set lock_timeout = '1s'`);
    expect(await cleanup()).toBe(0);
    await other.query('commit');
    expect(await left()).toBe(0);
  });
});

describe('migration 011', () => {
  test('hands the cleanup to pg_cron where that is there, once, and its rollback takes it back', async () => {
    await migrateDown(database.url, await migrationsFrom(11), { dropData: true });
    await db.query(`
      create schema cron;
      create table cron.job (jobname text primary key, schedule text, command text);
      create function cron.schedule(name text, schedule text, command text) returns bigint language sql as
        'insert into cron.job values (name, schedule, command)
         on conflict (jobname) do update set command = excluded.command returning 1';
      create function cron.unschedule(name text) returns boolean language sql as
        'delete from cron.job where jobname = name returning true'`);
    await migrateUp(database.url);
    expect((await db.query('select * from cron.job')).rows).toEqual([
      {
        jobname: 'queuekeeper-rate-limit-cleanup',
        schedule: '*/10 * * * *',
        command: 'select public.cleanup_rate_limit_records()',
      },
    ]);
    await migrateDown(database.url, await migrationsFrom(11), { dropData: true });
    expect((await db.query('select * from cron.job')).rows).toEqual([]);
  });

  test('is undone to the table that 004 made', async () => {
    const earlier = await (await freshDatabase({ migrated: false })).connect();
    const files = readdirSync(MIGRATIONS).filter((file) => /^(00\d|010)_.*\.sql$/.test(file));
    for (const file of files.sort()) await earlier.query(readFileSync(join(MIGRATIONS, file), 'utf8'));

    await migrateDown(database.url, await migrationsFrom(11), { dropData: true });
    expect(await dumpSchema(db)).toEqual(await dumpSchema(earlier));
    expect(await cleanup()).toBe(0);
  });
});

/** How many migrations are applied, this one and later. */
async function migrationsFrom(number: number): Promise<number> {
  const { rows } = await db.query(
    'select count(*)::int as n from supabase_migrations.schema_migrations where version::int >= $1',
    [number],
  );
  return rows[0].n;
}
