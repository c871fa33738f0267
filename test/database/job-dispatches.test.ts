import { describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { aJob, call, type Db, dispatchesOf, jobRow } from './builders.ts';
import { freshDatabase } from './harness.ts';
import { inTransaction } from './transaction.ts';

const db = inTransaction();

type Taken = { dispatch_id: string; job_id: string; lease: string; delay_seconds: number };

const take = async (client: Db = db(), limit = 100, holdSeconds = 60): Promise<Taken[]> =>
  (await client.query('select * from public.take_dispatches($1, $2)', [limit, holdSeconds])).rows;
const mark = (sent: unknown, refused: unknown = []) =>
  call(db(), 'public.mark_dispatches($1, $2)', [JSON.stringify(sent), JSON.stringify(refused)]);

/** A pending job whose message must be sent, due that long ago; a negative interval lies ahead. */
async function aDispatch(client: Db, due = '1 second', lease = 2): Promise<string> {
  const id = await aJob(client, { status: 'pending', lease, recoveries: 1, errors: 2 });
  await client.query(
    `insert into public.job_dispatches (job_id, lease, requeued_by, not_before)
     values ($1, $2, 'stale_job_monitor', clock_timestamp() - $3::interval)`,
    [id, lease, due],
  );
  return id;
}

async function manyDispatches(client: Db, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) ids.push(await aDispatch(client));
  return ids;
}

describe('take_dispatches', () => {
  test('gives what a message needs', async () => {
    const id = await aDispatch(db());
    expect(await take()).toEqual([
      {
        dispatch_id: expect.any(String),
        job_id: id,
        customer_id: 'customer-1',
        package_size: 50,
        priority_level: 3,
        retry_attempt: 3,
        lease: '2',
        requeued_by: 'stale_job_monitor',
        delay_seconds: 0,
      },
    ]);
  });

  test('holds what it gave, and counts the attempt', async () => {
    const id = await aDispatch(db());
    await take();
    expect(await take()).toEqual([]);
    expect(await dispatchesOf(db(), id)).toMatchObject([
      { attempts: 1, sent_at: null, held_until: expect.any(String) },
    ]);
  });

  test('gives those that were tried least first, so that messages that SQS refuses do not starve the rest', async () => {
    const refused = await aDispatch(db(), '1 hour');
    await take(db(), 1);
    await db().query('update public.job_dispatches set held_until = null');
    const fresh = await aDispatch(db(), '1 second');
    expect((await take()).map((row) => row.job_id)).toEqual([fresh, refused]);
  });

  test.each([
    [900, 1],
    [0, 0],
  ])('looks ahead %i seconds when told so, and finds %i', async (lookAhead, found) => {
    await aDispatch(db(), '-5 minutes');
    const { rowCount } = await db().query('select from public.take_dispatches(look_ahead_seconds => $1)', [lookAhead]);
    expect(rowCount).toBe(found);
  });

  test('holds it for the seconds that it was told', async () => {
    await aDispatch(db());
    await take(db(), 100, 300);
    const seconds = await call<number>(
      db(),
      'extract(epoch from held_until - clock_timestamp())::float from public.job_dispatches',
    );
    expect(seconds).toBeGreaterThan(290);
    expect(seconds).toBeLessThanOrEqual(300);
  });

  test.each([
    { expires: "- interval '1 second'", count: 1 },
    { expires: "+ interval '15 seconds'", count: 0 },
  ])('gives again what a dead run held, once the hold is over: now() $expires', async ({ expires, count }) => {
    await aDispatch(db());
    await take();
    await db().query(`update public.job_dispatches set held_until = clock_timestamp() ${expires}`);
    expect(await take()).toHaveLength(count);
  });

  test.each([
    { due: '-880 seconds', delay: 880 },
    { due: '-1 second', delay: 1 },
    { due: '0 seconds', delay: 0 },
    { due: '1 hour', delay: 0 },
  ])('asks for the delay that is left: due $due ago, $delay s', async ({ due, delay }) => {
    await aDispatch(db(), due);
    const [taken] = await take();
    expect(taken?.delay_seconds).toBeLessThanOrEqual(delay);
    expect(taken?.delay_seconds).toBeGreaterThanOrEqual(Math.max(0, delay - 15));
  });

  test.each([
    { due: '-899 seconds', count: 1 },
    { due: '-915 seconds', count: 0 },
  ])('takes only what is due within the longest delay of a queue: due $due ago', async ({ due, count }) => {
    await aDispatch(db(), due);
    const taken = await take();
    expect(taken).toHaveLength(count);
    for (const { delay_seconds } of taken) expect(delay_seconds).toBeLessThanOrEqual(900);
  });

  test('gives the longest due first, up to the batch limit', async () => {
    const second = await aDispatch(db(), '2 minutes');
    const first = await aDispatch(db(), '3 minutes');
    const third = await aDispatch(db(), '1 minute');
    expect((await take(db(), 2)).map((row) => row.job_id)).toEqual([first, second]);
    expect((await take(db(), 2)).map((row) => row.job_id)).toEqual([third]);
  });

  test.each([
    ['was claimed past claim_job', `update public.jobs set status = 'in_progress'`],
    ['is finished', `update public.jobs set status = 'completed'`],
    ['has a newer lease', 'update public.jobs set lease = lease + 1'],
    ['was deleted', 'delete from public.jobs'],
  ])('deletes the message of a job that %s', async (_name, change) => {
    await aDispatch(db());
    await db().query(change);
    expect(await take()).toEqual([]);
    expect(await call(db(), 'count(*)::int from public.job_dispatches')).toBe(0);
  });

  test.each([
    [0, 60, /batch_limit is 0, hold_seconds is 60, look_ahead_seconds is 900, wanted at least 1, 1 and 0/],
    [10, 0, /hold_seconds is 0/],
    [null, 60, /batch_limit is null/],
    [10, null, /hold_seconds is null/],
  ])('refuses a limit of %j and a hold of %j by value', async (limit, hold, message) => {
    await expect(take(db(), limit as number, hold as number)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      code: '22023',
    });
  });
});

describe('mark_dispatches', () => {
  test('marks what was acknowledged, once', async () => {
    const id = await aDispatch(db());
    const [taken] = await take();
    const sent = [{ dispatch_id: Number(taken?.dispatch_id), message_id: 'message-1' }];
    expect([await mark(sent), await mark(sent)]).toEqual([1, 0]);
    expect(await dispatchesOf(db(), id)).toMatchObject([
      { sent_at: expect.any(String), message_id: 'message-1', held_until: null, last_error: null },
    ]);
    expect(await take()).toEqual([]);
  });

  test('makes what was refused pending again at once, and keeps the error', async () => {
    const id = await aDispatch(db());
    const [taken] = await take();
    expect(await mark([], [{ dispatch_id: Number(taken?.dispatch_id), error: 'x'.repeat(2_000) }])).toBe(0);
    expect(await dispatchesOf(db(), id)).toMatchObject([
      { sent_at: null, held_until: null, last_error: 'x'.repeat(1_000) },
    ]);
    expect(await take()).toMatchObject([{ job_id: id }]);
    expect(await dispatchesOf(db(), id)).toMatchObject([{ attempts: 2 }]);
  });

  test('takes both in one call', async () => {
    await manyDispatches(db(), 3);
    const [one, two, three] = (await take()).map((row) => Number(row.dispatch_id));
    const sent = [
      { dispatch_id: one, message_id: 'a' },
      { dispatch_id: two, message_id: 'b' },
    ];
    expect(await mark(sent, [{ dispatch_id: three, error: 'throttled' }])).toBe(2);
    expect(await take()).toMatchObject([{ dispatch_id: String(three) }]);
  });

  test('does not let a late refusal undo what was sent', async () => {
    await aDispatch(db());
    const [taken] = await take();
    const dispatch_id = Number(taken?.dispatch_id);
    await mark([{ dispatch_id, message_id: 'message-1' }]);
    await mark([], [{ dispatch_id, error: 'timeout' }]);
    expect(await take()).toEqual([]);
  });

  test.each([
    { lease: 2, marked: 0 },
    { lease: 3, marked: 1 },
    { lease: null, marked: 1 },
  ])('marks only the lease that was sent, where it is told: %j', async ({ lease, marked }) => {
    const id = await aDispatch(db());
    const [taken] = await take();
    await db().query(`select public.queue_dispatch($1, 3, 'stale_job_monitor', interval '0')`, [id]);
    const dispatch_id = Number(taken?.dispatch_id);
    expect(await mark([], [{ dispatch_id, lease: 2, error: 'late' }])).toBe(0);
    expect(await dispatchesOf(db(), id)).toMatchObject([{ lease: 3, last_error: null }]);
    expect(await mark([{ dispatch_id, lease, message_id: 'message-1' }])).toBe(marked);
  });

  test('passes over the message of a job that was claimed while it was on its way', async () => {
    const id = await aDispatch(db());
    const [taken] = await take();
    await db().query(`select public.claim_job($1, 'worker-1', 2)`, [id]);
    expect(await mark([{ dispatch_id: Number(taken?.dispatch_id), message_id: 'message-1' }])).toBe(0);
  });
});

test('a job has at most one message that is still to be sent', async () => {
  const id = await aDispatch(db());
  await expect(
    db().query(`insert into public.job_dispatches (job_id, lease, requeued_by) values ($1, 3, 'fail_job')`, [id]),
  ).rejects.toMatchObject({ constraint: 'job_dispatches_one_pending_idx' });
});

test('a message cannot be noted as sent without its id', async () => {
  await aDispatch(db());
  await expect(db().query('update public.job_dispatches set sent_at = now()')).rejects.toMatchObject({
    constraint: 'job_dispatches_sent_has_message',
  });
});

describe('several runs at once', () => {
  test('never take the same message', async () => {
    const database = await freshDatabase();
    const clients: pg.Client[] = await Promise.all(Array.from({ length: 8 }, () => database.connect()));
    const [first] = clients as [pg.Client];
    const jobs = await manyDispatches(first, 300);
    const takeAll = async (client: pg.Client): Promise<Taken[]> => {
      const taken = await take(client, 10);
      return taken.length === 0 ? [] : [...taken, ...(await takeAll(client))];
    };
    const taken = (await Promise.all(clients.map(takeAll))).flat();
    expect(taken).toHaveLength(jobs.length);
    expect(new Set(taken.map((row) => row.job_id))).toEqual(new Set(jobs));
  });

  test('leave alone what an open transaction has taken', async () => {
    const database = await freshDatabase();
    const [one, two] = [await database.connect(), await database.connect()];
    await manyDispatches(one, 3);
    await one.query('begin');
    expect(await take(one, 2)).toHaveLength(2);
    expect(await take(two)).toHaveLength(1);
    await one.query('rollback');
    expect(await take(two)).toHaveLength(2);
  });

  test('do not delete the message of a job that goes back to pending while they look', async () => {
    const database = await freshDatabase();
    const [taker, monitor, gate] = [await database.connect(), await database.connect(), await database.connect()];
    // The second job runs past claim_job, its message still unsent. The taker locks row by row and is stopped at the first.
    const [first, stale] = [await aDispatch(monitor, '2 minutes'), await aDispatch(monitor, '1 minute')];
    await monitor.query(`update public.jobs set status = 'in_progress' where id = '${stale}'`);
    await taker.query('set enable_hashjoin = off; set enable_mergejoin = off; set enable_material = off');
    await monitor.query(`
      create function public.wait_at_gate() returns trigger language plpgsql as
        'begin perform pg_advisory_xact_lock(1); return new; end';
      create trigger wait_at_gate before update on public.job_dispatches
        for each row when (new.job_id = '${first}') execute function public.wait_at_gate();`);

    await gate.query('begin');
    await gate.query('select pg_advisory_xact_lock(1)');
    const taking = take(taker);
    await untilWaiting(monitor, 1);
    const recovering = monitor.query('select * from public.recover_stale_jobs()');
    await untilWaitingOrDone(gate, recovering);
    await gate.query('commit');
    await Promise.all([taking, recovering]);

    expect(await jobRow(monitor, stale)).toMatchObject({ status: 'pending', lease: 3 });
    expect(await dispatchesOf(monitor, stale)).toMatchObject([{ lease: 3, sent_at: null }]);
  });
});

/** Until that many sessions of the database wait for a lock. */
async function untilWaiting(client: pg.Client, count: number): Promise<void> {
  for (;;) {
    const waiting = await call<number>(
      client,
      `count(*)::int from pg_catalog.pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Until a second session waits for a lock, or the given work is done without one. */
async function untilWaitingOrDone(client: pg.Client, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, untilWaiting(client, 2)]);
}
