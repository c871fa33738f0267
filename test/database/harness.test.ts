import { describe, expect, it } from '@jest/globals';
import { freshDatabase } from './harness.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

describe('a fresh database', () => {
  it('is a Postgres 17 whose owner is no superuser, as on Supabase', async () => {
    const client = await (await freshDatabase({ migrated: false })).connect();
    const { rows } = await client.query(
      "select current_setting('server_version_num')::int / 10000 as major, rolsuper from pg_roles where rolname = current_user",
    );
    expect(rows).toEqual([{ major: 17, rolsuper: false }]);
  });

  it.each([
    { oldDefaultPrivileges: true, status: 200 },
    { oldDefaultPrivileges: false, status: 401 },
  ])('opens new tables to anon only under the old default privileges: %j', async ({ oldDefaultPrivileges, status }) => {
    const database = await freshDatabase({ migrated: false, oldDefaultPrivileges });
    await (await database.connect()).query('create table public.notes (id integer)');
    const { url, headersOf } = await database.postgrest();
    const answer = await fetch(`${url}/notes`, { headers: headersOf('anon') });
    expect(answer.status).toBe(status);
    if (status !== 200) expect(await answer.json()).toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });
});
