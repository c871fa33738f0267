import pg from 'pg';
import { connectDatabase, type Database } from '../../lambdas/shared/database.ts';

export type Limit = { readonly requests: number; readonly windowMs: number };

/** Decides on one request of a caller: whether it is admitted. */
export type Decide = (caller: string) => Promise<boolean>;

export type Connection = { readonly decide: Decide; close(): Promise<void> };

export type Servers = {
  readonly databaseUrl: string;
  /** PostgREST over the same database, and a token of the service role. */
  readonly rest: { readonly url: string; readonly key: string };
  /** Connections of a pool to Postgres. @default 32, for every arm, however many clients use it */
  readonly poolSize?: number;
};

/** One way to limit callers, as a contestant of the benchmark. */
export type Arm = {
  readonly name: string;
  /** Makes its tables and functions. The client is a superuser. */
  readonly setUp?: (client: pg.Client) => Promise<unknown>;
  /** All that it writes to, for emptying and for counting; schema-qualified. */
  readonly tables: readonly string[];
  readonly connect: (servers: Servers, limit: Limit) => Connection;
};

/** Connects, and keeps the callers of each arm apart: some arms share a table. */
export function connectApart({ name, connect }: Arm, servers: Servers, limit: Limit): Connection {
  const { decide, close } = connect(servers, limit);
  return { decide: (caller) => decide(`${name}: ${caller}`), close };
}

export const ROUTE = 'GET /api/health';
/** By this name the server's processes of a pool are told from others. */
export const APPLICATION = 'queuekeeper-bench';

/** An arm that talks to Postgres itself. */
export function overPg(connect: (pool: pg.Pool, limit: Limit) => Decide): Arm['connect'] {
  return ({ databaseUrl, poolSize = 32 }, limit) => {
    const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize, application_name: APPLICATION });
    return { decide: connect(pool, limit), close: () => pool.end() };
  };
}

/** An arm that talks to PostgREST, by the client of our functions. */
export function overPostgrest(connect: (database: Database, limit: Limit) => Decide): Arm['connect'] {
  return ({ rest: { url, key } }, limit) => {
    // Supabase's gateway serves PostgREST below a path; here nothing stands between.
    const direct: typeof fetch = (input, init) => fetch(String(input).replace('/rest/v1/', '/'), init);
    const database = connectDatabase({ url, key, fetch: direct });
    return { decide: connect(database, limit), close: async () => {} };
  };
}

/** Asks an SQL function of a caller, a route, a limit and a window; answers its row. */
export async function ask<T>(pool: pg.Pool, name: string, caller: string, limit: Limit): Promise<T> {
  const { rows } = await pool.query({
    // Named, as PostgREST's statements and rate-limiter-flexible's are: parsed once a connection.
    name,
    text: `select * from ${name}($1, $2, $3, $4)`,
    values: [caller, ROUTE, limit.requests, limit.windowMs],
  });
  return rows[0];
}

export function callFunction(name: string): Arm['connect'] {
  return overPg(
    (pool, limit) => async (caller) => (await ask<{ allowed: boolean }>(pool, name, caller, limit)).allowed,
  );
}
