import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import pg from 'pg';
import { signRole } from '../../local/jwt.ts';
import { connectPostgres } from '../../local/postgres.ts';
import { startPostgrest } from '../../local/postgrest.ts';
import { clusterPort, templateName } from '../test-cluster.ts';

const JWT_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

export type FreshDatabase = {
  /** As the role `postgres`, which is no superuser: what the operator migrates with. */
  readonly url: string;
  /** A connection of its own, so that tests can interleave two. Closed after the file's last test. */
  connect(role?: 'postgres' | 'supabase_admin'): Promise<pg.Client>;
  /** A real PostgREST over this database. Stopped after the file's last test. */
  postgrest(): Promise<TestPostgrest>;
};

export type TestPostgrest = {
  readonly url: string;
  /** The headers of a request in that role. */
  headersOf(role: 'anon' | 'authenticated' | 'service_role'): Record<string, string>;
};

export type FreshDatabaseOptions = {
  /** Whether new objects in `public` are open to the API roles, as before 2026-10-30. @default false */
  readonly oldDefaultPrivileges?: boolean;
  /** Whether all migrations are applied. @default true */
  readonly migrated?: boolean;
};

/** In reverse order of being opened: clients before the PostgREST they might wait for, databases last. */
const closing: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** A database of its own for a test or a file, cloned from a template in about 0.1 s, gone after the file. */
export async function freshDatabase(options: FreshDatabaseOptions = {}): Promise<FreshDatabase> {
  const { oldDefaultPrivileges = false, migrated = true } = options;
  const cluster = connectPostgres(clusterPort());
  const name = `test_${randomUUID().slice(0, 8)}`;
  const url = await cluster.createDatabase(name, { template: templateName({ oldDefaultPrivileges, migrated }) });
  closing.push(() => cluster.dropDatabase(name));

  return {
    url,
    async connect(role = 'postgres') {
      const client = new pg.Client({ connectionString: cluster.url(name, role) });
      // A dropped database ends the connections that a failed test left behind.
      client.on('error', () => {});
      await client.connect();
      closing.push(() => client.end());
      return client;
    },
    async postgrest() {
      const server = await startPostgrest(cluster.url(name, 'authenticator'), JWT_SECRET);
      closing.push(() => server.stop());
      return { url: server.url, headersOf: (role) => ({ authorization: `Bearer ${signRole(role, JWT_SECRET)}` }) };
    },
  };
}
