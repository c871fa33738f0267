import { beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { freshDatabase, type TestPostgrest } from './harness.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
const API_ROLES = ['anon', 'authenticated'] as const;
const DENIED_STATUS = { anon: 401, authenticated: 403 };

/** Trigger functions cannot be called at all; the trigger needs no grant. */
type PublicFunction = { oid: number; name: string; signature: string; parameters: string[]; is_trigger: boolean };

/** Objects are listed by the catalog, so that a new one is covered from its first day. */
const TABLES_AND_VIEWS = `
  select c.relname as name, c.relkind as kind from pg_catalog.pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`;
const FUNCTIONS = `
  select p.oid::int, p.proname as name, p.oid::regprocedure::text as signature,
    coalesce(p.proargnames[1:p.pronargs], '{}') as parameters, p.prorettype = 'trigger'::regtype as is_trigger
  from pg_catalog.pg_proc p where p.pronamespace = 'public'::regnamespace order by 3`;

describe.each([{ oldDefaultPrivileges: false }, { oldDefaultPrivileges: true }])('with %j', (regime) => {
  let db: pg.Client;
  let api: TestPostgrest;
  let relations: { name: string; kind: string }[];
  let functions: PublicFunction[];

  beforeAll(async () => {
    const database = await freshDatabase(regime);
    db = await database.connect();
    api = await database.postgrest();
    relations = (await db.query(TABLES_AND_VIEWS)).rows;
    functions = (await db.query(FUNCTIONS)).rows;
  });

  const request = async (role: Parameters<TestPostgrest['headersOf']>[0], path: string, init: RequestInit = {}) => {
    const headers = { ...api.headersOf(role), 'content-type': 'application/json' };
    const response = await fetch(`${api.url}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const callByName = (role: Parameters<TestPostgrest['headersOf']>[0], { name, parameters }: PublicFunction) => {
    const body = JSON.stringify(Object.fromEntries(parameters.map((parameter) => [parameter, null])));
    return request(role, `/rpc/${name}`, { method: 'POST', body });
  };

  test('there are objects to protect', () => {
    expect(relations.length).toBeGreaterThanOrEqual(12);
    expect(functions.length).toBeGreaterThanOrEqual(18);
  });

  test.each(API_ROLES)('%s gets 42501 on reading every table and view', async (role) => {
    for (const { name } of relations) {
      const { status, body } = await request(role, `/${name}?limit=1`);
      expect({ name, status, code: body?.code }).toEqual({
        name,
        status: DENIED_STATUS[role],
        code: INSUFFICIENT_PRIVILEGE,
      });
    }
  });

  test.each(API_ROLES)('%s gets 42501 on writing every table', async (role) => {
    for (const { name, kind } of relations) {
      if (kind !== 'r') continue;
      const { rows } = await db.query(
        `select attname from pg_catalog.pg_attribute where attrelid = $1::regclass and attnum > 0 and attidentity = ''
         order by attnum limit 1`,
        [`public.${name}`],
      );
      const [column] = rows.map(({ attname }) => attname);
      const writes: [string, RequestInit][] = [
        [`/${name}`, { method: 'POST', body: JSON.stringify({ [column]: null }) }],
        [`/${name}?${column}=is.null`, { method: 'PATCH', body: JSON.stringify({ [column]: null }) }],
        [`/${name}?${column}=is.null`, { method: 'DELETE' }],
      ];
      for (const [path, init] of writes) {
        const { body } = await request(role, path, init);
        expect({ name, method: init.method, code: body?.code }).toEqual({
          name,
          method: init.method,
          code: INSUFFICIENT_PRIVILEGE,
        });
      }
    }
  });

  test.each(API_ROLES)('%s gets 42501 on calling every function', async (role) => {
    for (const each of functions.filter((candidate) => !candidate.is_trigger)) {
      const { status, body } = await callByName(role, each);
      expect({ signature: each.signature, status, code: body?.code }).toEqual({
        signature: each.signature,
        status: DENIED_STATUS[role],
        code: INSUFFICIENT_PRIVILEGE,
      });
    }
  });

  test.each(API_ROLES)('%s and the public have no privilege of any kind on any object', async (role) => {
    const { rows } = await db.query(
      `select 'relation' as kind, c.oid::regclass::text as name, a.privilege_type, a.grantee::regrole::text as grantee
       from pg_catalog.pg_class c, aclexplode(coalesce(c.relacl, acldefault(
         case when c.relkind = 'S' then 's' else 'r' end::"char", c.relowner))) a
       where c.relnamespace = 'public'::regnamespace and c.relkind <> 'i' and a.grantee in (0, $1::regrole)
       union all
       select 'column', attrelid::regclass || '.' || attname, a.privilege_type, a.grantee::regrole::text
       from pg_catalog.pg_attribute, aclexplode(attacl) a
       where attrelid in (select oid from pg_catalog.pg_class where relnamespace = 'public'::regnamespace)
         and a.grantee in (0, $1::regrole)
       union all
       select 'function', p.oid::regprocedure::text, a.privilege_type, a.grantee::regrole::text
       from pg_catalog.pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
       where p.pronamespace = 'public'::regnamespace and a.grantee in (0, $1::regrole)`,
      [role],
    );
    expect(rows).toEqual([]);
  });

  test('service_role reads every table and view', async () => {
    for (const { name } of relations) {
      const { status, body } = await request('service_role', `/${name}?limit=1`);
      expect({ name, status, body }).toMatchObject({ name, status: 200, body: expect.any(Array) });
    }
  });

  test('service_role may execute every function', async () => {
    const { rows } = await db.query(
      `select p.oid::regprocedure::text as signature from pg_catalog.pg_proc p
       where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
         and not has_function_privilege('service_role', p.oid, 'execute')`,
    );
    expect(rows).toEqual([]);
  });

  test.each([
    ['cleanup_rate_limit_records', {}, 0],
    ['completed_status', {}, 'completed'],
    ['find_stale_jobs', { threshold_minutes: 10 }, []],
    ['judge_stale_jobs', { threshold: '10 minutes' }, []],
    ['mark_dispatches', { sent: [], refused: [] }, 0],
    [
      'record_monitor_run',
      { run_id: '00000000-0000-4000-8000-000000000001', monitor: 'm', duration_ms: 5, succeeded: true, summary: {} },
      0,
    ],
    ['recover_stale_jobs', {}, []],
    ['stale_job_health', {}, [{ running: 0, stale: 0, held: 0, oldest_stale_seconds: 0, breaker_open: false }]],
    ['take_dispatches', {}, []],
    ['threshold_interval', { threshold_minutes: 10 }, '00:10:00'],
  ])('service_role calls %s(%j)', async (name, body, answer) => {
    expect(await request('service_role', `/rpc/${name}`, { method: 'POST', body: JSON.stringify(body) })).toEqual({
      status: 200,
      body: answer,
    });
  });

  test('service_role cannot change or delete history', async () => {
    for (const method of ['PATCH', 'DELETE']) {
      const init = { method, ...(method === 'PATCH' ? { body: '{"event":"x"}' } : {}) };
      expect((await request('service_role', '/queue_history?id=gt.0', init)).body).toMatchObject({
        code: INSUFFICIENT_PRIVILEGE,
      });
    }
  });

  test('every table has row level security and a policy that denies the API roles', async () => {
    const { rows } = await db.query(
      `select c.relname, c.relrowsecurity, p.polname from pg_catalog.pg_class c
       left join pg_catalog.pg_policy p on p.polrelid = c.oid and p.polname = 'deny_api_roles'
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         and (not c.relrowsecurity or p.polname is null)`,
    );
    expect(rows).toEqual([]);
  });

  test('every view runs with the rights of its caller', async () => {
    const { rows } = await db.query(
      `select relname from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')
         and not coalesce(reloptions, '{}') && array['security_invoker=true', 'security_invoker=on']`,
    );
    expect(rows).toEqual([]);
  });

  test('every function has an empty search_path and the rights of its caller', async () => {
    const { rows } = await db.query(
      `select oid::regprocedure::text as signature, prosecdef, proconfig from pg_catalog.pg_proc
       where pronamespace = 'public'::regnamespace
         and (prosecdef or not coalesce(proconfig, '{}') @> array['search_path=""'])`,
    );
    expect(rows).toEqual([]);
  });
});
