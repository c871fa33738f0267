import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { migrateDown, migrateUp, migrationStatus } from '../../cli/migrate.ts';
import { call } from './builders.ts';
import { type FreshDatabase, freshDatabase } from './harness.ts';
import { dumpSchema } from './schema-dump.ts';

let directory: string;
let database: FreshDatabase;
let client: pg.Client;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'queuekeeper-migrations-'));
  await mkdir(join(directory, 'rollback'));
  database = await freshDatabase({ migrated: false });
  client = await database.connect();
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function write(file: string, up: string, down = ''): Promise<void> {
  await writeFile(join(directory, file), up);
  await writeFile(join(directory, 'rollback', file), down);
}

const up = () => migrateUp(database.url, { directory });
const down = (count?: number) => migrateDown(database.url, count, { directory });
const status = () => migrationStatus(database.url, { directory });
const history = async () =>
  (await client.query('select version, name, statements from supabase_migrations.schema_migrations order by 1')).rows;

describe('migrate up', () => {
  test('applies what is new, in order, and nothing twice', async () => {
    await write('001_one.sql', 'create table public.one (id integer)');
    expect(await up()).toEqual(['001_one.sql']);
    await write('010_ten.sql', 'alter table public.two add column ten integer');
    await write('002_two.sql', 'create table public.two (id integer)');
    expect(await up()).toEqual(['002_two.sql', '010_ten.sql']);
    expect(await up()).toEqual([]);
  });

  test("keeps the history where the Supabase CLI keeps it, and in the CLI's own form", async () => {
    await write('001_one.sql', 'create table public.one (id integer)');
    await up();
    expect(await history()).toEqual([
      { version: '001', name: 'one', statements: ['create table public.one (id integer)'] },
    ]);
  });

  test('takes what the Supabase CLI has applied for applied, whatever it says', async () => {
    await write('001_one.sql', 'create table public.one (id integer)');
    await client.query(`
      create schema supabase_migrations;
      create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
      insert into supabase_migrations.schema_migrations values ('001', null, 'one')`);
    expect(await up()).toEqual([]);
    expect(await status()).toEqual([{ file: '001_one.sql', applied: true }]);
  });

  test('that fails in a file changes nothing of that file, keeps the ones before, and names the file', async () => {
    await write('001_one.sql', 'create table public.one (id integer)');
    await write('002_two.sql', 'create table public.two (id integer); select 1 / 0;');
    await write('003_three.sql', 'create table public.three (id integer)');
    await expect(up()).rejects.toThrow('migration 002_two.sql failed and changed nothing: division by zero');
    expect(await dumpSchema(client)).toEqual(expect.arrayContaining([expect.stringContaining('relation one ')]));
    expect((await dumpSchema(client)).join()).not.toMatch(/two|three/);
    expect(await status()).toEqual([
      { file: '001_one.sql', applied: true },
      { file: '002_two.sql', applied: false },
      { file: '003_three.sql', applied: false },
    ]);
    await write('002_two.sql', 'create table public.two (id integer)');
    expect(await up()).toEqual(['002_two.sql', '003_three.sql']);
  });

  test('refuses files that were edited after they were applied, by name, before it changes anything', async () => {
    await write('001_one.sql', 'select 1');
    await write('002_two.sql', 'select 1');
    await write('003_three.sql', 'select 1');
    await up();
    await write('001_one.sql', 'select 2');
    await write('003_three.sql', 'select 2');
    await write('004_four.sql', 'create table public.four (id integer)');
    const message = 'edited after it was applied: 001_one.sql, 003_three.sql. Restore the file';
    await expect(up()).rejects.toThrow(message);
    await expect(down()).rejects.toThrow(message);
    expect(await dumpSchema(client)).toEqual([]);
    expect(await history()).toHaveLength(3);
  });

  test('does not take other line ends for an edit', async () => {
    await write('001_one.sql', 'select 1;\nselect 2;\n');
    await up();
    await writeFile(join(directory, '001_one.sql'), 'select 1;\r\nselect 2;\r\n');
    expect(await up()).toEqual([]);
  });

  test('refuses a version that another migration has taken, and names both', async () => {
    await write('001_one.sql', 'create table public.one (id integer)');
    await write('002_two.sql', 'create table public.two (id integer)');
    await client.query(`
      create schema supabase_migrations;
      create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
      insert into supabase_migrations.schema_migrations values ('002', null, 'profiles')`);
    await expect(up()).rejects.toThrow(/^version 002 of 002_two\.sql is taken .* by "profiles"/);
    await expect(down()).rejects.toThrow(/by "profiles"/);
    expect(await dumpSchema(client)).toEqual([]);
  });

  test('leaves migrations of another project in peace', async () => {
    await write('001_one.sql', 'create table public.one (id integer)', 'drop table public.one');
    await client.query(`
      create schema supabase_migrations;
      create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
      insert into supabase_migrations.schema_migrations values ('20260101000000', null, 'profiles')`);
    expect(await up()).toEqual(['001_one.sql']);
    expect(await down(5)).toEqual(['001_one.sql']);
    expect(await history()).toMatchObject([{ version: '20260101000000', name: 'profiles' }]);
  });

  test('twice at once applies each file once: one waits for the other', async () => {
    await write('001_one.sql', 'create table public.one (id integer); select pg_sleep(0.3);');
    await write('002_two.sql', 'create table public.two (id integer)');
    const answers = await Promise.all([up(), up(), up()]);
    expect(answers.toSorted((a, b) => b.length - a.length)).toEqual([['001_one.sql', '002_two.sql'], [], []]);
  });

  test('gives a file the time that it needs, whatever the role has for a statement', async () => {
    await client.query(
      `do $$ begin execute format('alter database %I set statement_timeout = 50', current_database()); end $$`,
    );
    await write('001_one.sql', 'select pg_sleep(0.2)');
    expect(await up()).toEqual(['001_one.sql']);
  });

  test('gives its lock back', async () => {
    await write('001_one.sql', 'select 1');
    await up();
    expect(
      await call(
        client,
        `count(*)::int from pg_catalog.pg_locks where locktype = 'advisory'
      and database = (select oid from pg_catalog.pg_database where datname = current_database())`,
      ),
    ).toBe(0);
  });
});

describe('migrate down', () => {
  test('undoes the newest first, as many as it is told, and forgets them', async () => {
    for (const [version, name] of [
      ['001', 'one'],
      ['002', 'two'],
      ['003', 'three'],
    ]) {
      await write(`${version}_${name}.sql`, `create table public.${name} (id integer)`, `drop table public.${name}`);
    }
    await up();
    expect(await down()).toEqual(['003_three.sql']);
    expect(await down(2)).toEqual(['002_two.sql', '001_one.sql']);
    expect(await history()).toEqual([]);
    expect(await call(client, 'count(*)::int from supabase_migrations.queuekeeper_checksums')).toBe(0);
    expect(await up()).toHaveLength(3);
  });

  test('that fails changes nothing of that file and names it', async () => {
    await write('001_one.sql', 'create table public.one (id integer)', 'drop table public.one; select 1 / 0;');
    await up();
    await expect(down()).rejects.toThrow('rollback of 001_one.sql failed and changed nothing: division by zero');
    expect(await status()).toEqual([{ file: '001_one.sql', applied: true }]);
    expect((await dumpSchema(client)).join()).toContain('relation one ');
  });

  test('without a rollback file says which is missing, and changes nothing', async () => {
    await write('001_one.sql', 'create table public.one (id integer)');
    await up();
    await rm(join(directory, 'rollback', '001_one.sql'));
    await expect(down()).rejects.toThrow(/rollback\/001_one\.sql/);
    expect(await status()).toEqual([{ file: '001_one.sql', applied: true }]);
  });
});

describe('a connection that breaks in the middle', () => {
  test('is reported as what happened, with the file', async () => {
    await write('001_one.sql', 'select pg_terminate_backend(pg_backend_pid())');
    await expect(up()).rejects.toThrow(/^migration 001_one\.sql failed and changed nothing: .*connection/i);
  });
});

test('a database that cannot be reached is named, without its password', async () => {
  await write('001_one.sql', 'select 1');
  const url = new URL(database.url);
  url.port = '1';
  url.password = 'a-secret';
  const error = await migrateUp(url.href, { directory }).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ message: expect.stringContaining('cannot connect to the database at 127.0.0.1:1') });
  expect((error as Error).stack).not.toContain('a-secret');
});
