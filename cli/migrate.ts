import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));
/** Any fixed number: who holds it migrates this database, everyone else waits. */
const ADVISORY_LOCK = 7_304_142_801;

export interface MigrateOptions {
  /** Folder of `NNN_name.sql` files. @default the project's `migrations` */
  readonly directory?: string;
  /** `down` only: drop tables of ours that still hold rows. @default false */
  readonly dropData?: boolean;
}

export interface MigrationState {
  readonly file: string;
  readonly applied: boolean;
}

interface Migration {
  readonly file: string;
  readonly version: string;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/**
 * Applies every migration that is not applied yet, one transaction a file, and answers their file names.
 * History is kept where the Supabase CLI keeps it, so that `supabase migration list` agrees.
 */
export async function migrateUp(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  return withHistory(databaseUrl, options, async (client, migrations, applied) => {
    const pending = migrations.filter((migration) => !applied.has(migration.version));
    for (const migration of pending) {
      await inTransaction(client, `migration ${migration.file}`, async () => {
        await client.query(migration.sql);
        await client.query(
          'insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)',
          [migration.version, migration.name, [migration.sql]],
        );
        await client.query(
          `insert into supabase_migrations.queuekeeper_checksums (version, sha256) values ($1, $2)
           on conflict (version) do update set sha256 = excluded.sha256`,
          [migration.version, migration.sha256],
        );
      });
    }
    return pending.map((migration) => migration.file);
  });
}

/** Undoes the last `count` applied migrations with their twins in `rollback/`, newest first. */
export async function migrateDown(databaseUrl: string, count = 1, options: MigrateOptions = {}): Promise<string[]> {
  if (!Number.isInteger(count) || count < 1) {
    throw new Error(`migrate down: the number of migrations is ${count}, wanted a whole number of at least 1`);
  }
  const directory = options.directory ?? MIGRATIONS;
  return withHistory(databaseUrl, options, async (client, migrations, applied) => {
    const undone = migrations
      .filter((migration) => applied.has(migration.version))
      .reverse()
      .slice(0, count);
    for (const migration of undone) {
      const rollback = await readFile(join(directory, 'rollback', migration.file), 'utf8');
      await inTransaction(client, `rollback of ${migration.file}`, async () => {
        await client.query(`select set_config('queuekeeper.drop_data', $1, true)`, [options.dropData ? 'on' : 'off']);
        await client.query(rollback);
        await client.query('delete from supabase_migrations.schema_migrations where version = $1', [migration.version]);
        await client.query('delete from supabase_migrations.queuekeeper_checksums where version = $1', [
          migration.version,
        ]);
      });
    }
    return undone.map((migration) => migration.file);
  });
}

/** Each migration of the folder in order, and whether the database has it. */
export async function migrationStatus(databaseUrl: string, options: MigrateOptions = {}): Promise<MigrationState[]> {
  return withHistory(databaseUrl, options, async (_client, migrations, applied) =>
    migrations.map(({ file, version }) => ({ file, applied: applied.has(version) })),
  );
}

interface Recorded {
  readonly version: string;
  readonly name: string | null;
  /** Null where the Supabase CLI applied the file. */
  readonly sha256: string | null;
}

type Work<T> = (client: pg.Client, migrations: Migration[], applied: Map<string, Recorded>) => Promise<T>;

async function withHistory<T>(databaseUrl: string, options: MigrateOptions, work: Work<T>): Promise<T> {
  const migrations = await readMigrations(options.directory ?? MIGRATIONS);
  const client = await connect(databaseUrl);
  try {
    // An index on a big table may take longer than the two minutes that hosted databases give a statement.
    await client.query('set statement_timeout = 0');
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]); // as long as the other one needs
    await client.query(`set lock_timeout = '30s'`);
    await client.query(`
      create schema if not exists supabase_migrations;
      create table if not exists supabase_migrations.schema_migrations (
        version text primary key, statements text[], name text
      );
      create table if not exists supabase_migrations.queuekeeper_checksums (
        version text primary key, sha256 text not null, applied_at timestamptz not null default now()
      );`);
    const { rows } = await client.query<Recorded>(`
      select m.version, m.name, c.sha256
      from supabase_migrations.schema_migrations m
      left join supabase_migrations.queuekeeper_checksums c using (version)`);
    const applied = new Map(rows.map((row) => [row.version, row]));
    refuseForeignVersions(migrations, applied);
    refuseEditedFiles(migrations, applied);
    return await work(client, migrations, applied);
  } finally {
    await client.end(); // gives the lock back too
  }
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  try {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'queuekeeper-migrate' });
    // A connection that breaks also rejects the query in hand, which says it better than a crash would.
    client.on('error', () => {});
    await client.connect();
    return client;
  } catch (cause) {
    // The URL holds a password: name the host at most.
    throw new Error(`cannot connect to the database at ${hostOf(databaseUrl)}: ${(cause as Error).message}`, { cause });
  }
}

/** A project with numbered migrations of its own may have used our numbers: ours would then be skipped in silence. */
function refuseForeignVersions(migrations: Migration[], applied: Map<string, Recorded>): void {
  for (const { file, version, name } of migrations) {
    const recorded = applied.get(version);
    if (recorded?.name && recorded.name !== name) {
      throw new Error(
        `version ${version} of ${file} is taken in supabase_migrations.schema_migrations by "${recorded.name}". ` +
          'Rename that entry to a timestamp (supabase migration repair), then run this again.',
      );
    }
  }
}

/** A file that was applied and then edited would leave two databases that differ under the same version. */
function refuseEditedFiles(migrations: Migration[], applied: Map<string, Recorded>): void {
  const edited = migrations.filter(({ version, sha256 }) => {
    const recorded = applied.get(version)?.sha256;
    return recorded && recorded !== sha256;
  });
  if (edited.length > 0) {
    const names = edited.map((migration) => migration.file).join(', ');
    throw new Error(`edited after it was applied: ${names}. Restore the file and put the change in a new migration.`);
  }
}

async function inTransaction(client: pg.Client, what: string, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback').catch(() => {}); // over a broken connection it is rolled back already
    throw new Error(`${what} failed and changed nothing: ${(cause as Error).message}`, { cause });
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => /^\d+_.+\.sql$/.test(file)).sort();
  if (files.length === 0) {
    throw new Error(`no migrations in ${directory}, wanted files named NNN_name.sql`);
  }
  const migrations = await Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(directory, file), 'utf8');
      const [version = '', name = ''] = file.replace(/\.sql$/, '').split(/_(.*)/);
      // Line ends are not content: a checkout on Windows must not look edited.
      const sha256 = createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');
      return { file, version, name, sql, sha256 };
    }),
  );
  const twice = migrations.find(({ version }, index) => migrations[index + 1]?.version === version);
  if (twice) {
    throw new Error(`two migrations have the version ${twice.version}`);
  }
  return migrations;
}

function hostOf(databaseUrl: string): string {
  try {
    return new URL(databaseUrl).host;
  } catch {
    return 'a URL that cannot be parsed (wanted postgresql://user:password@host:5432/postgres)';
  }
}
