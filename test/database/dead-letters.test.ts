import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import {
  aJob,
  aJobHeartbeat,
  aWorkerHeartbeat,
  call,
  eventsOf,
  historyOf,
  type JobOptions,
  jobRow,
} from './builders.ts';
import { freshDatabase } from './harness.ts';

let db: pg.Client;
let connect: () => Promise<pg.Client>;
beforeAll(async () => {
  const database = await freshDatabase();
  connect = () => database.connect();
  db = await connect();
});

type LetterOptions = {
  id?: string;
  jobId?: string;
  lease?: number;
  body?: string;
  reason?: string;
  customer?: string;
  receives?: number;
  /** How long ago, negative for the time that is left, on the database's clock. */
  expired?: string;
};

const aQueueName = () => `queue-${randomUUID().slice(0, 8)}`;

function aLetter({ id = randomUUID(), receives = 5, expired = '-10 days', body = '{}', ...rest }: LetterOptions = {}) {
  const { jobId: job_id, lease, reason, customer: customer_id } = rest;
  return { message_id: id, job_id, lease, reason, customer_id, body, receive_count: receives, expired };
}
type Letter = ReturnType<typeof aLetter>;

type Recorded = { message_id: string; is_new: boolean; job_failed: boolean; job_error: string | null; reason: string };

async function record(queue: string, letters: Letter[], client: pg.Client = db): Promise<Recorded[]> {
  const { rows } = await client.query(
    `select * from public.record_dead_letters($1, (
       select jsonb_agg(l - 'expired' || jsonb_build_object(
         'sent_at', clock_timestamp() - (l ->> 'expired')::interval - interval '14 days',
         'expires_at', clock_timestamp() - (l ->> 'expired')::interval
       )) from jsonb_array_elements($2::jsonb) as l
     ))`,
    [queue, JSON.stringify(letters)],
  );
  return rows;
}

async function recordOne(letter: Letter, queue = aQueueName()): Promise<Recorded> {
  const [recorded] = await record(queue, [letter]);
  if (!recorded) throw new Error('nothing was recorded');
  return recorded;
}

async function rowsOf(queue: string) {
  const { rows } = await db.query('select * from public.dead_letters where queue_name = $1 order by message_id', [
    queue,
  ]);
  return rows;
}

async function open(queue: string, limit = 200): Promise<string[]> {
  const { rows } = await db.query('select message_id from public.open_dead_letters($1, $2)', [queue, limit]);
  return rows.map(({ message_id }) => message_id);
}

/** What left since a minute ago, as [id, how]. The answer itself must say the same. */
async function clear(queue: string, stillThere: string[], redriven: number | null): Promise<[string, string][]> {
  const answer = await db.query(
    `select public.clear_dead_letters($1, $2, $3, clock_timestamp() - interval '1 minute') as cleared`,
    [queue, stillThere, redriven],
  );
  const { rows } = await db.query(
    `select message_id, cleared_how from public.dead_letters
     where queue_name = $1 and cleared_at >= clock_timestamp() - interval '1 minute' order by message_id`,
    [queue],
  );
  const ids = (how: string) => rows.filter((row) => row.cleared_how === how).map((row) => row.message_id);
  const { expired, ...counts } = answer.rows[0].cleared;
  expect(counts).toEqual({
    redriven: ids('redriven').length,
    deleted: ids('deleted').length,
    unknown: ids('unknown').length,
  });
  expect(expired.map((row: { message_id: string }) => row.message_id).sort()).toEqual(ids('expired'));
  expect(JSON.stringify(expired)).not.toContain('"body"');
  return rows.map(({ message_id, cleared_how }) => [message_id, cleared_how]);
}

describe('recording', () => {
  test('keeps the body, byte for byte, and what the letter says', async () => {
    const queue = aQueueName();
    const body = `not JSON: ${'ä"\\😀\n'.repeat(3)}`;
    await record(queue, [aLetter({ id: 'm', body, reason: 'why', customer: 'acme', lease: 3 })]);
    expect(await rowsOf(queue)).toMatchObject([
      { message_id: 'm', body, reason: 'why', customer_id: 'acme', lease: '3', job_id: null, cleared_at: null },
    ]);
  });

  test('keeps a body of 1 MiB', async () => {
    const queue = aQueueName();
    await record(queue, [aLetter({ body: 'x'.repeat(1_048_576) })]);
    expect((await rowsOf(queue))[0].body).toHaveLength(1_048_576);
  });

  test('is idempotent: the second time nothing is new, and only the time of the last look changes', async () => {
    const queue = aQueueName();
    const jobId = await aJob(db, { status: 'pending', lease: 1 });
    const letter = aLetter({ id: 'm', jobId, lease: 1 });
    expect(await record(queue, [letter])).toMatchObject([{ is_new: true, job_failed: true }]);
    const aMinuteAgo = `last_seen_at - interval '1 minute'`;
    await db.query(`update public.dead_letters set last_seen_at = ${aMinuteAgo} where queue_name = $1`, [queue]);
    const [before] = await rowsOf(queue);
    expect(await record(queue, [letter])).toMatchObject([{ is_new: false, job_failed: false }]);
    const [after] = await rowsOf(queue);
    expect(after.last_seen_at.getTime()).toBeGreaterThan(before.last_seen_at.getTime());
    expect({ ...after, last_seen_at: 0, expires_at: 0 }).toEqual({ ...before, last_seen_at: 0, expires_at: 0 });
    expect(await eventsOf(db, jobId)).toEqual(['dlq']);
  });

  test('keeps the number of attempts, though each look is a receive as well', async () => {
    const queue = aQueueName();
    await record(queue, [aLetter({ id: 'm', receives: 5 })]);
    await record(queue, [aLetter({ id: 'm', receives: 6 })]);
    expect(await rowsOf(queue)).toMatchObject([{ receive_count: 5 }]);
  });

  test('takes over a time of expiry that has changed with the retention of the queue', async () => {
    const queue = aQueueName();
    await record(queue, [aLetter({ id: 'm', expired: '-10 days' })]);
    await record(queue, [aLetter({ id: 'm', expired: '-1 hour' })]);
    const [{ expires_at }] = await rowsOf(queue);
    expect(expires_at.getTime() - Date.now()).toBeLessThan(2 * 3_600_000);
  });

  test('opens a letter again that was taken for gone', async () => {
    const queue = aQueueName();
    await record(queue, [aLetter({ id: 'm' })]);
    await clear(queue, [], 0);
    expect(await open(queue)).toEqual([]);
    await record(queue, [aLetter({ id: 'm' })]);
    expect(await open(queue)).toEqual(['m']);
  });

  test('keeps the same id in two queues apart', async () => {
    const [one, other] = [aQueueName(), aQueueName()];
    await record(one, [aLetter({ id: 'm' })]);
    expect(await record(other, [aLetter({ id: 'm' })])).toMatchObject([{ is_new: true }]);
    await clear(one, [], 0);
    expect(await open(other)).toEqual(['m']);
  });

  test('fills in what the job knows where the letter says nothing', async () => {
    const queue = aQueueName();
    const jobId = await aJob(db, { status: 'pending', jobType: 'submit', lease: 0 });
    await db.query(`update public.jobs set error_message = 'it said no' where id = $1`, [jobId]);
    await record(queue, [aLetter({ jobId })]);
    expect(await rowsOf(queue)).toMatchObject([
      { customer_id: 'customer-1', job_type: 'submit', reason: 'it said no', lease: null },
    ]);
  });

  test('says how often it was received where nobody gives a reason', async () => {
    expect((await recordOne(aLetter({ receives: 5 }))).reason).toBe('No error on record');
  });

  test('by two runs at once makes one row and one event, and one of them calls it new', async () => {
    const queue = aQueueName();
    const jobIds = Array.from({ length: 5 }, () => randomUUID());
    for (const id of jobIds) await aJob(db, { id, status: 'pending', lease: 1 });
    const letters = jobIds.map((jobId, index) => aLetter({ id: `m${index}`, jobId, lease: 1 }));
    const [first, second] = [await connect(), await connect()];
    const results = await Promise.all([record(queue, letters, first), record(queue, letters.toReversed(), second)]);
    expect(results.flat().filter(({ is_new }) => is_new)).toHaveLength(5);
    expect(await rowsOf(queue)).toHaveLength(5);
    for (const jobId of jobIds) expect(await eventsOf(db, jobId)).toEqual(['dlq']);
  });
});

describe("the job's side", () => {
  const cases: [string, JobOptions, number | undefined, boolean][] = [
    ['pending under the lease of the message', { status: 'pending', lease: 3 }, 3, true],
    ['pending under a newer lease: another message is on its way', { status: 'pending', lease: 4 }, 3, false],
    ['pending, and the message of an older producer has no lease', { status: 'pending', lease: 0 }, undefined, true],
    ['pending under a lease, and the message has none', { status: 'pending', lease: 1 }, undefined, false],
    ['in progress, claimed from the message', { lease: 4 }, 3, true],
    ['in progress under the lease of the message, by a worker that claims nothing', { lease: 3 }, 3, true],
    ['in progress, claimed from a newer message', { lease: 5 }, 3, false],
    ['in progress under an older lease', { lease: 2 }, 3, false],
    ['completed', { status: 'completed', lease: 3 }, 3, false],
    ['failed', { status: 'failed', lease: 3 }, 3, false],
  ];
  test.each(cases)('a job that is %s', async (_state, job, lease, isFailed) => {
    const jobId = await aJob(db, job);
    const before = await jobRow(db, jobId);
    expect(await recordOne(aLetter({ jobId, lease, reason: 'timeout' }))).toMatchObject({ job_failed: isFailed });
    const after = await jobRow(db, jobId);
    if (isFailed) {
      expect(after).toMatchObject({
        status: 'failed',
        error_message: 'Dead letter after 5 receives: timeout',
        dead_lettered_at: expect.any(String),
        lease: before.lease,
      });
    } else expect(after).toEqual(before);
    expect(await historyOf(db, jobId)).toMatchObject([
      {
        event: 'dlq',
        details: { reason: 'timeout', receive_count: 5, status_before: before.status, job_failed: isFailed },
      },
    ]);
  });

  test.each([
    ['just now', '0 seconds', false],
    ['less than 5 minutes ago', '4 minutes 50 seconds', false],
    ['more than 5 minutes ago', '5 minutes 10 seconds', true],
  ])('a job whose last heartbeat came %s', async (_when, beat, isFailed) => {
    const jobId = await aJob(db, { lease: 4 });
    await aJobHeartbeat(db, jobId, 4, beat);
    expect(await recordOne(aLetter({ jobId, lease: 3 }))).toMatchObject({ job_failed: isFailed });
    expect((await jobRow(db, jobId)).status).toBe(isFailed ? 'failed' : 'in_progress');
  });

  test('heartbeats under another lease are not of this owner', async () => {
    const jobId = await aJob(db, { lease: 4 });
    await aJobHeartbeat(db, jobId, 3, '1 second');
    expect(await recordOne(aLetter({ jobId, lease: 3 }))).toMatchObject({ job_failed: true });
  });

  test.each([
    ['noted its start', '1 hour'],
    ['did not note its start', null],
  ])('a job whose worker knows no leases, beats, and %s is left alone', async (_what, started) => {
    const jobId = await aJob(db, { lease: 0, started });
    await aWorkerHeartbeat(db, { currentJobId: jobId, beat: '10 seconds' });
    expect(await recordOne(aLetter({ jobId }))).toMatchObject({ job_failed: false });
    expect((await jobRow(db, jobId)).status).toBe('in_progress');
  });

  test.each([
    ['less than 5 minutes ago', '4 minutes 50 seconds', false],
    ['more than 5 minutes ago', '5 minutes 10 seconds', true],
  ])('a job whose worker wrote to its row %s', async (_when, updated, isFailed) => {
    const jobId = await aJob(db, { lease: 0, updated });
    expect(await recordOne(aLetter({ jobId }))).toMatchObject({ job_failed: isFailed });
  });

  test.each([
    ['less than half of its own threshold ago', '29 minutes 50 seconds', false],
    ['more than half of its own threshold ago', '30 minutes 10 seconds', true],
  ])('a job whose last heartbeat came %s', async (_when, beat, isFailed) => {
    const jobType = `slow-${randomUUID()}`;
    await db.query('insert into public.job_policies (job_type, stale_after) values ($1, $2)', [jobType, '1 hour']);
    const jobId = await aJob(db, { jobType, lease: 4 });
    await aJobHeartbeat(db, jobId, 4, beat);
    expect(await recordOne(aLetter({ jobId, lease: 3 }))).toMatchObject({ job_failed: isFailed });
  });

  test('a claim alone is no heartbeat', async () => {
    const jobId = await aJob(db, { status: 'pending', lease: 3 });
    await call(db, `public.claim_job($1, 'worker-1', 3)`, [jobId]);
    expect(await recordOne(aLetter({ jobId, lease: 3 }))).toMatchObject({ job_failed: true });
  });

  test('a job that the database does not know is recorded all the same', async () => {
    const [queue, jobId] = [aQueueName(), randomUUID()];
    expect(await record(queue, [aLetter({ jobId })])).toMatchObject([{ is_new: true, job_failed: false }]);
    expect(await rowsOf(queue)).toMatchObject([{ job_id: jobId }]);
    expect(await eventsOf(db, jobId)).toEqual([]);
  });

  test('that cannot be done does not keep the letter from being kept, and is told', async () => {
    const own = await freshDatabase();
    const other = await own.connect();
    const jobId = await aJob(other, { status: 'pending', lease: 1 });
    await other.query(`alter table public.jobs add constraint jobs_never_fail check (status <> 'failed')`);
    const letters = [aLetter({ id: 'bad', jobId, lease: 1 }), aLetter({ id: 'good' })];
    expect(await record('q', letters, other)).toMatchObject([
      { message_id: 'bad', is_new: true, job_failed: false, job_error: expect.stringContaining('jobs_never_fail') },
      { message_id: 'good', is_new: true, job_failed: false, job_error: null },
    ]);
    const { rows } = await other.query('select message_id from public.dead_letters order by 1');
    expect(rows).toEqual([{ message_id: 'bad' }, { message_id: 'good' }]);
    expect(await jobRow(other, jobId)).toMatchObject({ status: 'pending' });
  });

  test('takes back the message that was still to be sent: the stale-job monitor leaves the job alone', async () => {
    const jobId = await aJob(db, { status: 'pending', lease: 2 });
    await call(db, `public.queue_dispatch($1, 2, 'stale_job_monitor', interval '0')`, [jobId]);
    await recordOne(aLetter({ jobId, lease: 2 }));
    await db.query(`update public.jobs set updated_at = now() - interval '1 day' where id = $1`, [jobId]);
    const { rows } = await db.query('select job_id from public.recover_stale_jobs(10)');
    expect(rows.map(({ job_id }) => job_id)).not.toContain(jobId);
    const { rows: dispatches } = await db.query('select from public.job_dispatches where job_id = $1', [jobId]);
    expect(dispatches).toEqual([]);
    expect(await jobRow(db, jobId)).toMatchObject({ status: 'failed' });
  });
});

describe('a redriven message', () => {
  test('is claimed again, and its job completes', async () => {
    const jobId = await aJob(db, { status: 'pending', lease: 3 });
    await recordOne(aLetter({ jobId, lease: 3 }));
    expect(await call(db, `public.claim_job($1, 'worker-2', 3)`, [jobId])).toMatchObject({ claimed: true, lease: 4 });
    expect(await call(db, 'public.complete_job($1, 4)', [jobId])).toBe('completed');
    expect(await jobRow(db, jobId)).toMatchObject({ status: 'completed', dead_lettered_at: null, error_message: null });
    expect(await eventsOf(db, jobId)).toEqual(['dlq', 'claimed', 'completed']);
  });

  test('that dies once more under a new id fails its job once more', async () => {
    const queue = aQueueName();
    const jobId = await aJob(db, { status: 'pending', lease: 3 });
    await record(queue, [aLetter({ id: 'first', jobId, lease: 3 })]);
    await call(db, `public.claim_job($1, 'worker-3', 3)`, [jobId]);
    expect(await record(queue, [aLetter({ id: 'second', jobId, lease: 3 })])).toMatchObject([
      { is_new: true, job_failed: true },
    ]);
    expect(await jobRow(db, jobId)).toMatchObject({ status: 'failed' });
  });

  test('is not claimed when its job failed for another reason', async () => {
    const jobId = await aJob(db, { status: 'failed', lease: 3 });
    await recordOne(aLetter({ jobId, lease: 3 }));
    expect(await call(db, `public.claim_job($1, 'worker-4', 3)`, [jobId])).toEqual({
      claimed: false,
      reason: 'finished',
    });
  });
});

describe('dead letters that have left', () => {
  async function aQueueWith(...letters: LetterOptions[]): Promise<string> {
    const queue = aQueueName();
    await record(queue, letters.map(aLetter));
    return queue;
  }

  test.each([
    ['as many as were redriven: redriven', 2, 'redriven'],
    ['fewer than were redriven, for some were never recorded: redriven', 3, 'redriven'],
    ['some were redriven, and nobody knows which: unknown', 1, 'unknown'],
    ['none was redriven: deleted', 0, 'deleted'],
    ['SQS does not say: unknown', null, 'unknown'],
  ])('%s', async (_what, redriven, how) => {
    const queue = await aQueueWith({ id: 'a' }, { id: 'b' });
    expect(await clear(queue, [], redriven)).toEqual([
      ['a', how],
      ['b', how],
    ]);
    expect(await open(queue)).toEqual([]);
  });

  test.each([
    ['over', '1 second', 'expired'],
    ['not over', '-1 minute', 'deleted'],
  ])('whose time is %s', async (_when, expired, how) => {
    const queue = await aQueueWith({ id: 'a', expired });
    expect(await clear(queue, [], 0)).toEqual([['a', how]]);
  });

  test('are expired also while others were redriven or deleted', async () => {
    const queue = await aQueueWith({ id: 'a', expired: '1 minute' }, { id: 'b' });
    expect(await clear(queue, [], 1)).toEqual([
      ['a', 'expired'],
      ['b', 'redriven'],
    ]);
  });

  test('are told from those that are still there, though their time is over', async () => {
    const queue = await aQueueWith({ id: 'a', expired: '1 minute' }, { id: 'b' }, { id: 'c' });
    expect(await clear(queue, ['a', 'b'], 0)).toEqual([['c', 'deleted']]);
    expect(await open(queue)).toEqual(['a', 'b']);
  });

  test('are counted against the redrives once: what was redriven before is not counted again', async () => {
    const queue = await aQueueWith({ id: 'a' }, { id: 'b' });
    expect(await clear(queue, ['b'], 1)).toEqual([['a', 'redriven']]);
    expect(await clear(queue, [], 1)).toEqual([
      ['a', 'redriven'],
      ['b', 'deleted'],
    ]);
  });

  test('are unknown where earlier ones are: the redrives may have been theirs', async () => {
    const queue = await aQueueWith({ id: 'a' }, { id: 'b' }, { id: 'c' });
    await clear(queue, ['c'], 1);
    expect(await clear(queue, [], 1)).toEqual([
      ['a', 'unknown'],
      ['b', 'unknown'],
      ['c', 'unknown'],
    ]);
  });

  test('are answered again when asked again, and nothing changes', async () => {
    const queue = await aQueueWith({ id: 'a' });
    await clear(queue, [], 1);
    const before = await rowsOf(queue);
    expect(await clear(queue, [], 0)).toEqual([['a', 'redriven']]);
    expect(await rowsOf(queue)).toEqual(before);
  });

  test('before the incident are not of it', async () => {
    const queue = await aQueueWith({ id: 'a' }, { id: 'b' });
    await clear(queue, ['b'], 0);
    await db.query(
      `update public.dead_letters set cleared_at = now() - interval '1 hour' where queue_name = $1 and message_id = 'a'`,
      [queue],
    );
    expect(await clear(queue, [], 0)).toEqual([['b', 'deleted']]);
  });

  test('keep their bodies', async () => {
    const queue = await aQueueWith({ id: 'a', body: 'precious', expired: '1 minute' });
    await clear(queue, [], 0);
    expect(await rowsOf(queue)).toMatchObject([{ body: 'precious', cleared_how: 'expired' }]);
  });
});

describe('the open dead letters', () => {
  test('come first to expire first, those of this queue only, and not more than asked for', async () => {
    const queue = aQueueName();
    await record(aQueueName(), [aLetter({ id: 'of another queue' })]);
    await record(queue, [
      aLetter({ id: 'late', expired: '-3 days' }),
      aLetter({ id: 'soon', expired: '-1 day' }),
      aLetter({ id: 'between', expired: '-2 days' }),
    ]);
    expect(await open(queue)).toEqual(['soon', 'between', 'late']);
    expect(await open(queue, 1)).toEqual(['soon']);
  });
});

test('a letter over REST may hold any text, and nobody but the service may write or read one', async () => {
  const own = await freshDatabase();
  const rest = await own.postgrest();
  const body = '{"error":"\\u0000 <!channel> \' ; drop table jobs; -- 😀"}';
  const { expired: _, ...letter } = aLetter({ id: 'm', body });
  const at = new Date().toISOString();
  const ask = (role: 'anon' | 'service_role', name: string, args: object) =>
    fetch(`${rest.url}/rpc/${name}`, {
      method: 'POST',
      headers: { ...rest.headersOf(role), 'content-type': 'application/json' },
      body: JSON.stringify(args),
    });
  const args = { queue_name: 'q', letters: [{ ...letter, sent_at: at, expires_at: at }] };
  expect(await (await ask('service_role', 'record_dead_letters', args)).json()).toMatchObject([{ is_new: true }]);
  const { rows } = await (await own.connect()).query('select body from public.dead_letters');
  expect(rows).toEqual([{ body }]);
  expect((await ask('anon', 'record_dead_letters', args)).ok).toBe(false);
  expect((await ask('anon', 'open_dead_letters', { queue_name: 'q' })).ok).toBe(false);
});
