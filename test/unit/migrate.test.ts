import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrateDown, migrateUp } from '../../cli/migrate.ts';

/** Nothing listens there: what is refused must be refused before a connection is tried. */
const NOWHERE = 'postgresql://postgres:a-secret@127.0.0.1:1/postgres';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'queuekeeper-migrations-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe('migrate', () => {
  test.each([0, -1, 1.5, Number.NaN])('down by %p migrations is refused by value', async (count) => {
    await expect(migrateDown(NOWHERE, count, { directory })).rejects.toThrow(
      `migrate down: the number of migrations is ${count}, wanted a whole number of at least 1`,
    );
  });

  test('without migration files says where it looked', async () => {
    await writeFile(join(directory, 'notes.sql'), 'select 1');
    await expect(migrateUp(NOWHERE, { directory })).rejects.toThrow(
      `no migrations in ${directory}, wanted files named NNN_name.sql`,
    );
  });

  test('refuses two files of one version', async () => {
    await writeFile(join(directory, '001_one.sql'), 'select 1');
    await writeFile(join(directory, '001_other.sql'), 'select 1');
    await expect(migrateUp(NOWHERE, { directory })).rejects.toThrow('two migrations have the version 001');
  });

  test.each(['not a url', 'postgresql://postgres:a-secret@[broken/postgres', ''])(
    'names a URL that cannot be parsed, without its secret: %j',
    async (url) => {
      await writeFile(join(directory, '001_one.sql'), 'select 1');
      const error = await migrateUp(url, { directory }).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ message: expect.stringContaining('a URL that cannot be parsed') });
      expect((error as Error).stack).not.toContain('a-secret');
    },
  );
});
