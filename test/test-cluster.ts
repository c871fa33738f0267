import { migrateUp } from '../cli/migrate.ts';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { startReaper } from '../local/reaper.ts';

/** Where the workers of this jest run find the cluster: jest hands the environment down to them. */
const VARIABLE = 'QUEUEKEEPER_TEST_POSTGRES_PORT';

/**
 * One database for each pair of regime and state, made once and cloned for each test. Names are fixed, as the
 * tests' processes must find them.
 */
export function templateName({ oldDefaultPrivileges, migrated }: { oldDefaultPrivileges: boolean; migrated: boolean }) {
  return `template_${migrated ? 'migrated' : 'empty'}_${oldDefaultPrivileges ? 'old' : 'new'}_privileges`;
}

export type TestCluster = { stop(): Promise<void> };

/** Starts the one Postgres of a test run, with its templates. It does not outlive the run, however that ends. */
export async function startTestCluster(): Promise<TestCluster> {
  const reaper = startReaper();
  const postgres = await startPostgres({ reaper });
  await Promise.all([true, false].map((oldDefaultPrivileges) => createTemplates(postgres, oldDefaultPrivileges)));
  process.env[VARIABLE] = String(postgres.port);
  return {
    async stop() {
      await postgres.stop();
      await reaper.stop();
    },
  };
}

/** The port of the run's Postgres, for the processes that run tests. */
export function clusterPort(): number {
  const port = Number(process.env[VARIABLE]);
  if (port) return port;
  throw new Error(`${VARIABLE} is not set: database tests run under jest, whose global setup starts Postgres`);
}

async function createTemplates(postgres: Postgres, oldDefaultPrivileges: boolean): Promise<void> {
  await postgres.createDatabase(templateName({ oldDefaultPrivileges, migrated: false }), { oldDefaultPrivileges });
  const migrated = templateName({ oldDefaultPrivileges, migrated: true });
  await migrateUp(await postgres.createDatabase(migrated, { oldDefaultPrivileges }));
}
