import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { migrateUp } from '../cli/migrate.ts';
import { startPostgres } from './postgres.ts';
import { startPostgrest } from './postgrest.ts';
import type { Watch } from './reaper.ts';
import { createKeys, createSupabaseGateway, type SupabaseGateway, type SupabaseKeys } from './supabase.ts';

const NAME = 'queuekeeper';

export type LocalDatabase = {
  /** As the role `postgres`. */
  readonly url: string;
  readonly keys: SupabaseKeys;
  readonly gateway: SupabaseGateway;
};

export type LocalDatabaseOptions = {
  /** Where data and keys are kept between starts; undefined: nowhere. */
  readonly directory: string | undefined;
  readonly reaper: Watch;
  readonly cleanup: AsyncDisposableStack;
};

/** Everything that Supabase is to the product: a migrated Postgres, PostgREST over it, and the gateway's keys. */
export async function startLocalDatabase({ directory, reaper, cleanup }: LocalDatabaseOptions): Promise<LocalDatabase> {
  const postgres = await startPostgres({ directory: directory && join(directory, 'postgres'), reaper });
  cleanup.defer(() => postgres.stop());

  if (!(await postgres.hasDatabase(NAME))) await postgres.createDatabase(NAME);
  await migrateUp(postgres.url(NAME));

  const keys = directory ? await keptKeys(join(directory, 'keys.json')) : createKeys();
  const postgrest = await startPostgrest(postgres.url(NAME, 'authenticator'), keys.jwtSecret, reaper);
  const gateway = createSupabaseGateway(postgrest.url, keys);
  cleanup.defer(async () => {
    gateway.close();
    await postgrest.stop();
  });
  return { url: postgres.url(NAME), keys, gateway };
}

/** The keys of kept data stay the same, so that what was configured with them goes on working. */
async function keptKeys(file: string): Promise<SupabaseKeys> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const keys = createKeys();
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(keys), { mode: 0o600 });
    return keys;
  }
}
