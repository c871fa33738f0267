import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { migrateUp } from '../../cli/migrate.ts';
import { type Place, readCursor, writeCursor } from '../../lambdas/queue-status/cursor.ts';
import { aJob, call, type Db } from './builders.ts';
import { EXISTING_SCHEMAS } from './existing-schemas.ts';
import { freshDatabase } from './harness.ts';
import { explainAll, plansOf, scansOf } from './plans.ts';
import { inTransaction } from './transaction.ts';

const db = inTransaction();

type Job = {
  id: string;
  status: string;
  progress: number | null;
  position: number | null;
  attempts: number;
  error: string | null;
  created_at: string | null;
  events: { event: string; at: string }[];
};
type Next = { created_at: string; id: string } | null;
type CustomerQueue = { found: boolean; counts: Record<string, number>; jobs: Job[]; next: Next };

const NONE = { pending: 0, in_progress: 0, completed: 0, failed: 0 };

function ask(client: Db, customer = 'customer-1', size = 20, before: Next = null): Promise<CustomerQueue> {
  return call(client, 'public.customer_queue($1, $2, $3, $4)', [customer, size, before?.created_at, before?.id]);
}

async function onlyJob(): Promise<Job> {
  const { jobs } = await ask(db());
  expect(jobs).toHaveLength(1);
  return jobs[0] as Job;
}

async function everyPage(client: Db, customer: string, size: number): Promise<Job[]> {
  const all: Job[] = [];
  let next: Next = null;
  do {
    const page: CustomerQueue = await ask(client, customer, size, next);
    expect(page.jobs.length).toBeLessThanOrEqual(size);
    all.push(...page.jobs);
    next = page.next;
  } while (next);
  return all;
}

async function anEvent(id: string, event: string, ago: string): Promise<void> {
  await db().query(
    'insert into public.queue_history (job_id, event, created_at) values ($1, $2, clock_timestamp() - $3::interval)',
    [id, event, ago],
  );
}

describe('the jobs of a customer', () => {
  test('are none for one that nobody knows', async () => {
    await aJob(db());
    expect(await ask(db(), 'customer-2')).toEqual({ found: false, counts: NONE, jobs: [], next: null });
  });

  test('have all that a customer is told', async () => {
    const id = await aJob(db(), { metadata: { progress: 42 } });
    await anEvent(id, 'claimed', '1 hour');
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}\+00:00$/);
    expect(await ask(db())).toEqual({
      found: true,
      counts: { ...NONE, in_progress: 1 },
      jobs: [
        {
          id,
          status: 'in_progress',
          progress: 42,
          position: null,
          attempts: 1,
          priority: 3,
          package_size: 50,
          created_at: time,
          started_at: time,
          updated_at: time,
          completed_at: null,
          error: null,
          events: [{ event: 'claimed', at: time }],
        },
      ],
      next: null,
    });
  });

  test('are counted by status', async () => {
    for (const status of ['pending', 'pending', 'completed', 'failed']) await aJob(db(), { status });
    expect((await ask(db(), 'customer-1', 1)).counts).toEqual({ pending: 2, in_progress: 0, completed: 1, failed: 1 });
  });

  test('have their times in UTC, whatever the time zone of the database', async () => {
    await aJob(db());
    await db().query(`set local timezone = 'Asia/Kolkata'`);
    expect((await onlyJob()).created_at).toMatch(/\+00:00$/);
  });

  test('show an error of those that failed only', async () => {
    const failed = await aJob(db(), { status: 'failed' });
    await aJob(db(), { status: 'pending' });
    await db().query(`update public.jobs set error_message = repeat('x', 5000)`);
    const { jobs } = await ask(db());
    expect(jobs.map(({ id, error }) => [id, error?.length ?? null])).toEqual(
      expect.arrayContaining([
        [failed, 2_001],
        [expect.any(String), null],
      ]),
    );
  });
});

describe('pages', () => {
  test('hold every job once, newest first, also where many were made in the same moment', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 12; index++) {
      const status = ['pending', 'in_progress', 'completed', 'failed'][index % 4];
      ids.push(await aJob(db(), { status, created: index < 6 ? '1 day' : `${index} hours` }));
    }
    await db().query(
      `update public.jobs set created_at = now() - interval '1 day' where created_at < now() - interval '20 hours'`,
    );
    const { rows } = await db().query('select id from public.jobs order by created_at desc, id desc');
    expect(rows).toHaveLength(ids.length);
    for (const size of [1, 5, 12, 100]) {
      expect((await everyPage(db(), 'customer-1', size)).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    }
  });

  test.each([
    [2, true],
    [3, false],
    [4, false],
  ])('of %i, where three jobs are: another follows: %s', async (size, follows) => {
    for (let index = 0; index < 3; index++) await aJob(db());
    expect((await ask(db(), 'customer-1', size)).next !== null).toBe(follows);
  });

  test('past the last one are empty, and the customer is still known', async () => {
    await aJob(db());
    const before = { created_at: '2020-01-01T00:00:00+00:00', id: randomUUID() };
    expect(await ask(db(), 'customer-1', 20, before)).toMatchObject({ found: true, jobs: [], next: null });
  });

  test('end with jobs that have no time of their own', async () => {
    const database = await freshDatabase();
    const client = await database.connect();
    await client.query('alter table public.jobs alter created_at drop not null');
    for (let index = 0; index < 4; index++) await aJob(client, { created: index < 3 ? null : '1 day' });
    const jobs = await everyPage(client, 'customer-1', 1);
    expect(jobs.map(({ created_at }) => created_at === null)).toEqual([false, true, true, true]);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(4);
  });

  test.each([
    [[null, 20, null, null], /customer_id is null/],
    [['c', 0, null, null], /page_size is 0/],
    [['c', 101, null, null], /page_size is 101/],
    [['c', null, null, null], /page_size is null/],
    [['c', 20, '2026-01-01', null], /before_id is null/],
    [['c', 20, null, randomUUID()], /before_created_at is null/],
  ])('refuse %j by value', async (values, message) => {
    await expect(call(db(), 'public.customer_queue($1, $2, $3, $4)', values)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      code: '22023',
    });
  });
});

describe('progress', () => {
  test.each([
    [{ progress: 0 }, 0],
    [{ progress: 100 }, 100],
    [{ progress: 33.333 }, 33.3],
    [{ progress: -1 }, null],
    [{ progress: 101 }, null],
    [{ progress: '50' }, null],
    [{ progress: null }, null],
    [{ progress: { done: 1 } }, null],
    [{}, null],
    [[1, 2], null],
  ])('of metadata %j is %j', async (metadata, progress) => {
    const id = await aJob(db());
    await db().query('update public.jobs set metadata = $2 where id = $1', [id, JSON.stringify(metadata)]);
    expect((await onlyJob()).progress).toBe(progress);
  });
});

describe('the position', () => {
  test('is the place among the jobs of all customers that wait, 1 being next', async () => {
    const other = await aJob(db(), { status: 'pending', created: '3 hours', updated: '3 hours' });
    await db().query(`update public.jobs set customer_id = 'customer-2' where id = $1`, [other]);
    const second = await aJob(db(), { status: 'pending', created: '2 hours', updated: '2 hours' });
    const third = await aJob(db(), { status: 'pending', created: '1 hour', updated: '1 hour' });
    const running = await aJob(db(), { created: '1 minute' });
    expect((await ask(db())).jobs.map(({ id, position }) => [id, position])).toEqual([
      [running, null],
      [third, 3],
      [second, 2],
    ]);
  });

  test('of a recovered job is counted from its recovery, for its message is a new one', async () => {
    const recovered = await aJob(db(), { status: 'pending', created: '3 hours', updated: '1 minute' });
    const waiting = await aJob(db(), { status: 'pending', created: '1 hour', updated: '1 hour' });
    expect((await ask(db())).jobs.map(({ id, position }) => [id, position])).toEqual([
      [waiting, 1],
      [recovered, 2],
    ]);
  });

  test('is exact among jobs that were made in one moment', async () => {
    for (let index = 0; index < 5; index++) await aJob(db(), { status: 'pending' });
    await db().query('update public.jobs set created_at = now(), updated_at = now()');
    const { jobs } = await ask(db());
    expect(jobs.map(({ position }) => position)).toEqual([5, 4, 3, 2, 1]);
  });

  test('is told of the first 10,000 in the line, and of none behind', async () => {
    await db().query(`
      insert into public.jobs (customer_id, status, created_at, updated_at)
      select case when n in (10000, 10001) then 'customer-1' else 'crowd' end, 'pending', at, at
      from generate_series(1, 10001) n, lateral (select now() - interval '1 day' + n * interval '1 second' as at) t`);
    expect((await ask(db())).jobs.map(({ position }) => position)).toEqual([null, 10_000]);
  });
});

describe('attempts', () => {
  test('are counted through a whole life: claims, errors, recoveries and releases', async () => {
    const attempts = async () => (await onlyJob()).attempts;
    const id = await aJob(db(), { status: 'pending', lease: 0, started: null });
    expect(await attempts()).toBe(0);
    const claim = async () => (await call<{ lease: number }>(db(), `public.claim_job($1, 'worker-1')`, [id])).lease;
    let lease = await claim();
    expect(await attempts()).toBe(1);
    await call(db(), `public.fail_job($1, $2, 'once')`, [id, lease]);
    expect(await attempts()).toBe(1);
    lease = await claim();
    expect(await attempts()).toBe(2);
    await call(db(), 'public.release_job($1, $2)', [id, lease]);
    lease = await claim();
    expect(await attempts()).toBe(3);
    await call(db(), 'public.complete_job($1, $2)', [id, lease]);
    expect(await attempts()).toBe(3);
  });

  test.each([
    ['pending', { recoveries: 1, started: null }, 1],
    ['in_progress', { recoveries: 1 }, 2],
    ['in_progress', { started: null }, 1],
    ['completed', { errors: 2 }, 3],
    ['failed', {}, 1],
    ['failed', { started: null }, 0],
    ['failed', { recoveries: 3 }, 4],
    ['failed', { errors: 2 }, 2],
  ])('where no worker claims: %s with %j makes %i', async (status, options, attempts) => {
    await aJob(db(), { status, ...options });
    expect((await onlyJob()).attempts).toBe(attempts);
  });
});

describe('events', () => {
  test('are the five newest, newest first', async () => {
    const id = await aJob(db());
    for (let hours = 8; hours > 0; hours--) await anEvent(id, `event-${hours}`, `${hours} hours`);
    await anEvent(await aJob(db(), { created: '1 day' }), 'of another job', '1 minute');
    const { jobs } = await ask(db());
    expect(jobs[0]?.events.map(({ event }) => event)).toEqual(['event-1', 'event-2', 'event-3', 'event-4', 'event-5']);
  });

  test('are found where the history names its jobs in text', async () => {
    const database = await freshDatabase({ migrated: false });
    const client = await database.connect();
    await client.query(
      'create table public.queue_history (job_id text, event text, details jsonb, worker_id text, created_at timestamptz)',
    );
    await migrateUp(database.url);
    const id = await aJob(client);
    await client.query(
      `insert into public.queue_history (job_id, event, created_at) values ($1, 'made', now()), ($1, null, now())`,
      [id],
    );
    expect((await ask(client)).jobs[0]?.events).toMatchObject([{ event: 'made' }]);
  });
});

describe.each(EXISTING_SCHEMAS)('over a database with $name', ({ sql, customer }) => {
  test('answers every job whose status is known, in our words', async () => {
    const database = await freshDatabase({ migrated: false });
    const client = await database.connect();
    await client.query(sql);
    await migrateUp(database.url);
    await client.query('set role service_role');
    const counts = { pending: 25, in_progress: 26, completed: 25, failed: 25 };
    expect(await ask(client, customer, 1)).toMatchObject({ found: true, counts });
    const jobs = await everyPage(client, customer, 7);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(101);
    for (const [status, count] of Object.entries(counts)) {
      expect(jobs.filter((job) => job.status === status)).toHaveLength(count);
    }
  });

  test('takes capitals for the same customer where the id is a uuid, and for another where it is a text', async () => {
    const database = await freshDatabase({ migrated: false });
    const client = await database.connect();
    await client.query(sql);
    await migrateUp(database.url);
    const isUuid = /^c{8}-/.test(customer);
    expect((await ask(client, customer.toUpperCase())).found).toBe(isUuid);
  });
});

test('over a database whose times have no zone, and whose metadata is json, each page leads to the next', async () => {
  const database = await freshDatabase({ migrated: false });
  const client = await database.connect();
  await client.query(`
    create table public.jobs (
      id uuid primary key default gen_random_uuid(), customer_id text, package_size integer, priority_level integer,
      status text, created_at timestamp(3), updated_at timestamp(3), started_at timestamp(3),
      completed_at timestamp(3), error_message text, metadata json default '{"progress":40}'
    );
    create table public.queue_history (job_id uuid, event text, details jsonb, worker_id text, created_at timestamp);
    insert into public.jobs (customer_id, status, created_at, updated_at, started_at, completed_at)
    select 'customer-1', 'completed', at, at, at, at
    from generate_series(1, 5) n, lateral (select timestamp '2026-11-24 18:30:00.5' - n * interval '1 minute' as at) t;
    insert into public.queue_history (job_id, event, created_at) select id, 'created', created_at from public.jobs`);
  await migrateUp(database.url);
  await client.query(`set timezone = 'America/New_York'`);
  const { jobs, next } = await ask(client, 'customer-1', 2);
  const AT = '2026-11-24T18:29:00.5+00:00';
  const times = { created_at: AT, updated_at: AT, started_at: AT, completed_at: AT };
  expect(jobs[0]).toMatchObject({ ...times, events: [{ at: AT }], progress: 40 });
  expect(readCursor(writeCursor(next as Place))).toEqual(next);
  expect(new Set((await everyPage(client, 'customer-1', 2)).map(({ id }) => id)).size).toBe(5);
});

describe('over REST', () => {
  test('a customer is found by the id alone, whatever that holds, and nobody else is', async () => {
    const database = await freshDatabase();
    const client = await database.connect();
    const { url, headersOf } = await database.postgrest();
    const request = async (customer_id: string) => {
      const headers = { ...headersOf('service_role'), 'content-type': 'application/json' };
      const body = JSON.stringify({ customer_id, page_size: 20 });
      const response = await fetch(`${url}/rpc/customer_queue`, { method: 'POST', headers, body });
      return [response.status, ((await response.json()) as CustomerQueue).found];
    };
    for (const id of [
      "' or 1=1",
      '../../x',
      '100%25',
      '株 café',
      '🐝'.repeat(128),
      'x'.repeat(128),
      '{"a":1}',
      '\\u0000',
    ]) {
      expect([id, await request(id)]).toEqual([id, [200, false]]);
      await client.query('insert into public.jobs (customer_id) values ($1)', [id]);
      expect([id, await request(id)]).toEqual([id, [200, true]]);
    }
  });
});

describe('the cost', () => {
  const rowsOf = (node: object) => {
    const { 'Actual Rows': rows, 'Actual Loops': loops } = node as Record<'Actual Rows' | 'Actual Loops', number>;
    return rows * loops;
  };
  const CUSTOMER_UUID = 'cccccccc-0000-4000-8000-000000000001';

  /** 60,000 jobs, newest first in the line of n: one customer has two thirds of them, in two statuses. */
  async function crowded(customerType: 'text' | 'uuid'): Promise<pg.Client> {
    const database = await freshDatabase({ migrated: false });
    const owner = await database.connect();
    await owner.query(`
      create table public.jobs (
        id uuid primary key default gen_random_uuid(), customer_id ${customerType}, package_size integer,
        priority_level integer, status text, created_at timestamptz, updated_at timestamptz, started_at timestamptz,
        completed_at timestamptz, error_message text, metadata jsonb
      );
      insert into public.jobs (customer_id, status, created_at, updated_at)
      select
        (case when n <= 40000 then '${CUSTOMER_UUID}' else gen_random_uuid()::text end)::${customerType},
        case when n > 40020 then 'completed' when n > 25000 then 'pending' else 'failed' end, at, at
      from generate_series(1, 60000) n, lateral (select now() - n * interval '1 second' as at) t`);
    await migrateUp(database.url);
    await owner.query('vacuum analyze public.jobs');
    const client = await database.connect('supabase_admin');
    await explainAll(client);
    return client;
  }

  test.each(['text', 'uuid'] as const)('has a bound with %s customers, however many jobs there are', async (type) => {
    const client = await crowded(type);
    const answer = await ask(client, CUSTOMER_UUID, 100);
    expect(answer.counts).toEqual({ ...NONE, pending: 10_000, failed: 10_000 });
    for (const customer of [CUSTOMER_UUID, randomUUID()]) {
      for (let time = 0; time < 7; time++) {
        const sql = `select public.customer_queue('${customer}', 100)`;
        const scans = scansOf(await plansOf(client, sql)).filter((node) => node['Relation Name'] === 'jobs');
        expect(scans.length).toBeGreaterThanOrEqual(3);
        const indexes = new Set(scans.map((node) => node['Index Name']));
        expect(indexes).toEqual(new Set(['jobs_customer_idx', 'jobs_waiting_line_idx']));
        expect(Math.max(...scans.map(rowsOf))).toBeLessThanOrEqual(20_000);
      }
    }
  });

  test('of the events is that of the job alone, whatever the table held when a session planned', async () => {
    const database = await freshDatabase();
    const owner = await database.connect();
    await owner.query('alter table public.queue_history set (autovacuum_enabled = off)');
    const client = await database.connect('supabase_admin');
    await explainAll(client);
    const someEvents = (job: string, count: number) =>
      owner.query(
        `insert into public.queue_history (job_id, event, created_at)
         select $1::uuid, 'progress', now() - n * interval '1 second' from generate_series(1, $2::integer) n`,
        [job, count],
      );
    /** A session keeps the plan of the sixth call until there are new statistics. */
    const plan = async () => {
      await owner.query('vacuum analyze public.queue_history');
      for (let time = 0; time < 7; time++) await ask(client);
    };
    const scans = async () =>
      scansOf(await plansOf(client, `select public.customer_queue('customer-1', 20)`))
        .filter((node) => node['Relation Name'] === 'queue_history')
        .map((node) => [node['Index Name'], rowsOf(node)]);

    await plan();
    const talker = await aJob(owner);
    await someEvents(talker, 20_000);
    expect(await scans()).toEqual([['queue_history_job_idx', 50]]);
    await plan();
    await someEvents(await aJob(owner), 40);
    expect(await scans()).toEqual([['queue_history_job_idx', 50 + 40]]);
  });
});
