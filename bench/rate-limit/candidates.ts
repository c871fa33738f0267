import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Arm, callFunction } from './arm.ts';

const ADVISORY_LOCK = {
  'look first': 'false',
  'try the lock': 'pg_try_advisory_xact_lock(key)',
  'lock at once': 'pg_advisory_xact_lock(key) is not null',
};
const ROW_LOCK = { 'look first': 'false', 'lock at once': 'true' };
const SHAPES = {
  'row-log': ADVISORY_LOCK,
  'ordinal-log': ADVISORY_LOCK,
  'array-log': ROW_LOCK,
};
const DURABILITY = {
  logged: { tableKind: '', before: '' },
  'asynchronous commit': { tableKind: '', before: `perform set_config('synchronous_commit', 'off', true);` },
  unlogged: { tableKind: 'unlogged', before: '' },
};

/** Every shape of an exact limit that was considered, in every variant. Migration 011 is one of them. */
export const candidates: Arm[] = Object.entries(SHAPES).flatMap(([shape, locks]) =>
  Object.entries(locks).flatMap(([lock, firstLock]) =>
    Object.entries(DURABILITY).map(([durability, { tableKind, before }]): Arm => {
      const name = `${shape}, ${lock}, ${durability}`;
      const schema = name.replaceAll(/[^a-z]+/g, '_');
      return {
        name,
        tables: [`${schema}.log`],
        connect: callFunction(`${schema}.decide`),
        async setUp(client) {
          const sql = await readFile(join(import.meta.dirname, 'candidates', `${shape}.sql`), 'utf8');
          const values: Record<string, string> = {
            schema,
            before,
            table_kind: tableKind,
            first_lock: firstLock,
          };
          await client.query(
            `create schema ${schema};${sql.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => values[key] ?? '')}`,
          );
        },
      };
    }),
  ),
);
