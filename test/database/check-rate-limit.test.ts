import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { type FreshDatabase, freshDatabase } from './harness.ts';
import {
  aCaller,
  admittedOf,
  ask,
  type Decision,
  LIMIT,
  letTimePass,
  ROUTE,
  recordRequests,
} from './rate-limit-builders.ts';

let database: FreshDatabase;
let db: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  db = await database.connect();
});
beforeEach(() => db.query('truncate public.rate_limit_requests'));

const askTimes = async (times: number, caller: string, options = {}, client = db): Promise<Decision[]> => {
  const decisions: Decision[] = [];
  for (let index = 0; index < times; index += 1) decisions.push(await ask(client, caller, options));
  return decisions;
};
const count = (decisions: Decision[]) => decisions.filter(({ allowed }) => allowed).length;

describe('of 105 requests', () => {
  test('the first 100 are admitted and the last 5 are not', async () => {
    const decisions = await askTimes(105, aCaller());
    expect(decisions.map(({ allowed }) => allowed)).toEqual([...Array(100).fill(true), ...Array(5).fill(false)]);
    expect(decisions.map(({ remaining }) => remaining)).toEqual([
      ...Array.from({ length: 100 }, (_, index) => 99 - index),
      ...Array(5).fill(0),
    ]);
  });

  // A bucket that refills would let 5 more in meanwhile; a window that turns with the minute, all of them.
  test.each([1, 30, 100, 500])('at one in %i ms it is the same, wherever a minute turns', async (gapMs) => {
    const caller = aCaller();
    const decisions: Decision[] = [];
    for (let index = 0; index < 105; index += 1) {
      decisions.push(await ask(db, caller));
      await letTimePass(db, gapMs);
    }
    expect(decisions.map(({ allowed }) => allowed)).toEqual([...Array(100).fill(true), ...Array(5).fill(false)]);
  });

  test('200 at the same moment over 20 connections admit 100', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => database.connect()));
    const caller = aCaller();
    const decisions = (await Promise.all(clients.map((client) => askTimes(10, caller, {}, client)))).flat();
    expect(count(decisions)).toBe(100);
    expect(decisions.filter(({ allowed }) => allowed).map(({ remaining }) => remaining)).toEqual(
      expect.arrayContaining(Array.from({ length: 100 }, (_, index) => index)),
    );
  });
});

describe('a window', () => {
  test('frees one place as each request leaves it, and no sooner', async () => {
    const caller = aCaller();
    await askTimes(50, caller);
    await letTimePass(db, 30_000);
    await askTimes(50, caller);
    await letTimePass(db, 20_000); // 50 s after the first 50
    expect(await ask(db, caller)).toMatchObject({ allowed: false });
    await letTimePass(db, 10_000);
    expect(count(await askTimes(60, caller))).toBe(50);
  });

  test('has no edge: a burst before it ends and one after are one burst', async () => {
    const caller = aCaller();
    await askTimes(1, caller);
    await letTimePass(db, 50_000);
    expect(count(await askTimes(105, caller))).toBe(99);
    await letTimePass(db, 10_000);
    expect(count(await askTimes(105, caller))).toBe(1);
  });

  test.each([
    { windowMs: 20_000, beforeMs: 10_000, afterMs: 10_000 },
    { windowMs: 3_600_000, beforeMs: 3_590_000, afterMs: 10_000 },
  ])('is as long as it is asked for: $windowMs ms', async ({ windowMs, beforeMs, afterMs }) => {
    const caller = aCaller();
    await askTimes(1, caller, { max: 1, windowMs });
    await letTimePass(db, beforeMs);
    const refused = await ask(db, caller, { max: 1, windowMs });
    expect(refused).toMatchObject({ allowed: false });
    expect(refused.retry_after_ms).toBeLessThanOrEqual(afterMs);
    await letTimePass(db, afterMs);
    expect(await ask(db, caller, { max: 1, windowMs })).toMatchObject({ allowed: true });
  });

  test('is one for each caller and each route', async () => {
    const caller = aCaller();
    await askTimes(2, caller, { max: 2 });
    expect(await ask(db, caller, { max: 2 })).toMatchObject({ allowed: false });
    expect(await ask(db, aCaller(), { max: 2 })).toMatchObject({ allowed: true });
    expect(await ask(db, caller, { max: 2, route: 'GET /api/other' })).toMatchObject({ allowed: true });
  });

  test('holds at every moment, whatever a caller does', async () => {
    const step = fc.record({ passMs: fc.nat(1_500), requests: fc.integer({ min: 1, max: 6 }), caller: fc.nat(1) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const limit = { max: 4, windowMs: 2_000 };
        const callers = [aCaller(), aCaller()] as const;
        const seen = callers.map(() => [] as { from: number; to: number; allowed: boolean }[]);
        let passedMs = 0;
        for (const { passMs, requests, caller } of steps) {
          await letTimePass(db, passMs);
          passedMs += passMs;
          for (let index = 0; index < requests; index += 1) {
            const from = performance.now() + passedMs;
            const { allowed } = await ask(db, callers[caller] as string, limit);
            seen[caller]?.push({ from, to: performance.now() + passedMs, allowed });
          }
        }
        for (const decisions of seen) expectExact(decisions, limit);
      }),
      { numRuns: 40 },
    );
  });
});

/** The oracle holds all admitted times: a decision was made somewhere between asking and hearing. */
function expectExact(
  decisions: { from: number; to: number; allowed: boolean }[],
  limit: { max: number; windowMs: number },
) {
  for (const [index, { from, to, allowed }] of decisions.entries()) {
    const before = decisions.slice(0, index).filter((one) => one.allowed);
    const surely = before.filter((one) => one.from > to - limit.windowMs).length;
    const perhaps = before.filter((one) => one.to > from - limit.windowMs).length;
    if (allowed) expect(surely).toBeLessThan(limit.max);
    else expect(perhaps).toBeGreaterThanOrEqual(limit.max);
  }
}

describe('a refused request', () => {
  test('says when the next one is admitted, to the millisecond', async () => {
    const caller = aCaller();
    await askTimes(1, caller, { max: 2 });
    await letTimePass(db, 20_000);
    await askTimes(1, caller, { max: 2 });
    const { retry_after_ms, reset_ms } = await ask(db, caller, { max: 2 });
    expect(retry_after_ms).toBeGreaterThan(30_000);
    expect(retry_after_ms).toBeLessThanOrEqual(40_000);
    expect(reset_ms).toBe(retry_after_ms);
    await letTimePass(db, retry_after_ms);
    expect(await ask(db, caller, { max: 2 })).toMatchObject({ allowed: true });
  });

  test('waits until enough have left where the limit was lowered', async () => {
    const caller = aCaller();
    for (let index = 0; index < 4; index += 1) {
      await ask(db, caller);
      await letTimePass(db, 10_000);
    }
    // Admitted 40, 30, 20 and 10 s ago: with a limit of 2, the third must go, too.
    const { retry_after_ms } = await ask(db, caller, { max: 2 });
    expect(retry_after_ms).toBeGreaterThan(30_000);
    expect(retry_after_ms).toBeLessThanOrEqual(40_000);
  });

  test('writes nothing, and takes no number of a transaction', async () => {
    const caller = aCaller();
    await askTimes(3, caller, { max: 3 });
    await db.query('begin');
    expect(await ask(db, caller, { max: 3 })).toMatchObject({ allowed: false });
    const { rows } = await db.query('select pg_current_xact_id_if_assigned() as id');
    await db.query('commit');
    expect(rows).toEqual([{ id: null }]);
    expect(await admittedOf(db, caller)).toHaveLength(3);
  });

  test('waits for no lock: one that is being decided does not hold it up', async () => {
    const caller = aCaller();
    await askTimes(3, caller, { max: 4 });
    const deciding = await database.connect();
    await deciding.query('begin');
    await ask(deciding, caller, { max: 4 }); // admitted, the lock held, and not yet seen by others
    await db.query(`set lock_timeout = '100ms'`);
    await expect(ask(db, caller, { max: 4 })).rejects.toMatchObject({ code: '55P03' });
    expect(await ask(db, caller, { max: 3 })).toMatchObject({ allowed: false });
    await db.query('reset lock_timeout');
    await deciding.query('rollback');
  });
});

describe('an admitted request', () => {
  test('is dated after the wait for its turn, not before it', async () => {
    const caller = aCaller();
    const first = await database.connect();
    await first.query('begin');
    await ask(first, caller);
    const waiting = ask(db, caller);
    await first.query('select pg_sleep(0.3)');
    const { rows } = await first.query('select clock_timestamp() as instant');
    await first.query('commit');
    await waiting;
    const [, second] = await admittedOf(db, caller);
    expect(second?.requested_at.getTime()).toBeGreaterThanOrEqual(rows[0].instant.getTime());
  });

  test('is never dated before an older one, though the clock was set back', async () => {
    const caller = aCaller();
    await ask(db, caller, { max: 2 });
    await letTimePass(db, -5_000);
    await ask(db, caller, { max: 2 });
    const [first, second] = await admittedOf(db, caller);
    expect(second?.requested_at).toEqual(first?.requested_at);
    expect(await ask(db, caller, { max: 2 })).toMatchObject({ allowed: false, retry_after_ms: 60_000 });
  });

  test('tells when one more place will be free', async () => {
    const caller = aCaller();
    expect(await ask(db, caller)).toEqual({
      allowed: true,
      limit: LIMIT,
      remaining: 99,
      retry_after_ms: 0,
      reset_ms: 60_000,
    });
    await letTimePass(db, 20_000);
    const { reset_ms } = await ask(db, caller);
    expect(reset_ms).toBeGreaterThan(30_000);
    expect(reset_ms).toBeLessThanOrEqual(40_000);
  });

  test('that is rolled back was never admitted', async () => {
    const caller = aCaller();
    await db.query('begin');
    await ask(db, caller, { max: 1 });
    await db.query('rollback');
    expect(await ask(db, caller, { max: 1 })).toMatchObject({ allowed: true });
  });
});

describe('check_rate_limit', () => {
  test('answers one JSON object over REST', async () => {
    const api = await database.postgrest();
    const response = await fetch(`${api.url}/rpc/check_rate_limit`, {
      method: 'POST',
      headers: { ...api.headersOf('service_role'), 'content-type': 'application/json' },
      body: JSON.stringify({ caller: aCaller(), route: ROUTE }),
    });
    expect(await response.json()).toEqual({
      allowed: true,
      limit: 100,
      remaining: 99,
      retry_after_ms: 0,
      reset_ms: 60_000,
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ caller: null }, 'caller is null'],
    [{ caller: '' }, `caller is ''`],
    [{ route: null }, 'route is null'],
    [{ max: 0 }, 'max_requests is 0'],
    [{ max: -1 }, 'max_requests is -1'],
    [{ max: null }, 'max_requests is null'],
    [{ windowMs: 0 }, 'window_ms is 0'],
    [{ windowMs: 3_600_001 }, 'window_ms is 3600001'],
    [{ windowMs: null }, 'window_ms is null'],
  ])('refuses %j', async ({ caller = 'someone', ...options }, message) => {
    await expect(ask(db, caller as string | null, options)).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining(message),
    });
  });

  test.each(['repeatable read', 'serializable'])(
    'refuses a transaction that is %s, which sees the past',
    async (level) => {
      await db.query(`begin isolation level ${level}`);
      await expect(ask(db, aCaller())).rejects.toMatchObject({
        message: `the transaction is ${level}, wanted read committed`,
      });
      await db.query('rollback');
    },
  );

  test('looks up few entries, however many a caller has and however many callers there are', async () => {
    await recordRequests(
      db,
      `select 'busy', '${ROUTE}', clock_timestamp() - interval '30 s' + n * interval '1 ms', n from generate_series(1, 20000) n
      union all
      select 'caller ' || n, '${ROUTE}', clock_timestamp(), 1 from generate_series(1, 20000) n`,
    );
    await db.query('begin');
    const before = await blocksRead(db);
    expect(await ask(db, 'busy', { max: 1_000_000 })).toMatchObject({ allowed: true, remaining: 1_000_000 - 20_001 });
    const blocks = (await blocksRead(db)) - before;
    await db.query('rollback');
    expect(blocks).toBeLessThan(60);
  });

  test.each([
    { when: 'nothing was on record', callers: 0 },
    // The statistics of before stay: each look-up seems to match every row.
    { when: 'the record of one busy caller had just been emptied', callers: 1 },
  ])('looks up few entries also by a plan that was made while $when', async ({ callers }) => {
    const admin = await database.connect('supabase_admin');
    await admin.query('truncate public.rate_limit_requests');
    await recordRequests(
      db,
      `select 'busy', '${ROUTE}', clock_timestamp(), n from generate_series(1, ${callers} * 20000) n`,
    );
    await admin.query('analyze public.rate_limit_requests');
    await admin.query('truncate public.rate_limit_requests');
    await admin.query('vacuum (analyze) public.rate_limit_requests');
    const session = await database.connect();
    for (let call = 0; call < 10; call += 1) {
      await session.query('begin');
      await ask(session, aCaller());
      await session.query('rollback');
    }
    await recordRequests(
      db,
      `select 'caller ' || n, '${ROUTE}', clock_timestamp(), 1 from generate_series(1, 20000) n`,
    );
    await session.query('begin');
    await ask(session, aCaller());
    const blocks = await blocksRead(session);
    await session.query('rollback');
    expect(blocks).toBeLessThan(60);
  });
});

/** Of this transaction, not yet flushed to the statistics of all. */
async function blocksRead(client: pg.Client): Promise<number> {
  const { rows } = await client.query(`
    select pg_stat_get_xact_blocks_fetched(c.oid) as blocks from pg_class c
    where c.oid = 'public.rate_limit_requests'::regclass or c.oid = 'public.rate_limit_requests_pkey'::regclass`);
  return rows.reduce((sum, { blocks }) => sum + Number(blocks), 0);
}
