import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrateUp } from '../../cli/migrate.ts';
import { signRole } from '../../local/jwt.ts';
import { startPostgres } from '../../local/postgres.ts';
import { startPostgrest } from '../../local/postgrest.ts';
import { startReaper } from '../../local/reaper.ts';
import { createKeys } from '../../local/supabase.ts';
import type { Arm, Servers } from './arm.ts';

export type Started = { readonly servers: Servers; readonly admin: pg.Client; readonly versions: readonly string[] };

/** A migrated Postgres with the tables and functions of the arms, and PostgREST over it. */
export async function startServers(arms: readonly Arm[], cleanup: AsyncDisposableStack): Promise<Started> {
  const reaper = startReaper();
  cleanup.defer(() => reaper.stop());
  // Data that is kept is data that is flushed: with a directory of ours, Postgres runs with its default settings.
  const directory = await mkdtemp(join(tmpdir(), 'queuekeeper-bench-'));
  reaper.watch({ directory });
  const postgres = await startPostgres({ directory, reaper });
  cleanup.defer(() => postgres.stop());
  await migrateUp(await postgres.createDatabase('bench'));

  const databaseUrl = postgres.url('bench', 'supabase_admin');
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  cleanup.defer(() => admin.end());
  for (const arm of arms) await arm.setUp?.(admin);

  const { jwtSecret } = createKeys();
  const postgrest = await startPostgrest(postgres.url('bench', 'authenticator'), jwtSecret, reaper);
  cleanup.defer(() => postgrest.stop());
  const servers = { databaseUrl, rest: { url: postgrest.url, key: signRole('service_role', jwtSecret) } };
  return { servers, admin, versions: await readVersions(admin) };
}

/** And the settings that decide what a commit costs, so that nobody has to take our word for them. */
async function readVersions(admin: pg.Client): Promise<string[]> {
  const { rows } = await admin.query(
    `select 'Postgres ' || current_setting('server_version') as postgres,
       string_agg(name || ' ' || setting, ', ' order by name) as settings
     from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'autovacuum')`,
  );
  return [rows[0].postgres, `${rows[0].settings}`];
}
