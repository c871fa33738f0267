import { afterEach, beforeAll, beforeEach } from '@jest/globals';
import type pg from 'pg';
import { type FreshDatabaseOptions, freshDatabase } from './harness.ts';

/**
 * One database for the file and one transaction for each test, undone after it: a test sees only its own rows.
 * The answer gives the connection, once the tests run.
 */
export function inTransaction(options: FreshDatabaseOptions = {}): () => pg.Client {
  let client: pg.Client;
  beforeAll(async () => {
    client = await (await freshDatabase(options)).connect();
  });
  beforeEach(async () => {
    await client.query('begin');
  });
  afterEach(async () => {
    await client.query('rollback');
  });
  return () => client;
}
