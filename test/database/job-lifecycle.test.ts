import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { aJob, call, dispatchesOf, eventsOf, jobRow } from './builders.ts';
import { freshDatabase } from './harness.ts';

/**
 * What should be true of a job, whatever happens in whatever order. The model knows who holds the job by which lease,
 * and predicts each answer; the invariants are checked against the database after each step.
 */
type ModelJob = {
  id: string;
  state: 'pending' | 'in_progress' | 'completed' | 'failed';
  lease: number;
  recoveries: number;
  errors: number;
  isSilent: boolean;
  hasMessage: boolean;
  completions: number;
  events: number;
  refusedLeases: Set<number>;
  /** Every lease that a claim gave, and the worker that got it. */
  holders: Map<number, string>;
  lastError: string | null;
};

type Model = { jobs: ModelJob[]; claims: number };
type Real = { db: pg.Client };
type Command = fc.AsyncCommand<Model, Real>;

abstract class Step implements Command {
  readonly job: number;
  constructor(job: number) {
    this.job = job;
  }
  check = () => true;
  abstract act(job: ModelJob, db: pg.Client, model: Model): Promise<void>;
  async run(model: Model, { db }: Real): Promise<void> {
    const job = model.jobs[this.job] as ModelJob;
    await this.act(job, db, model);
    for (const each of model.jobs) await checkInvariants(each, db);
  }
  toString = () => `${this.constructor.name}(${Object.values(this).filter((value) => typeof value !== 'function')})`;
}

/** A step of a worker that believes to hold the job by a lease, rightly (0 back) or not. */
abstract class HolderStep extends Step {
  readonly leasesBack: number;
  constructor(job: number, leasesBack: number) {
    super(job);
    this.leasesBack = leasesBack;
  }
  leaseOf = (job: ModelJob) => job.lease - this.leasesBack;
  holds = (job: ModelJob) => this.leasesBack === 0 && job.state === 'in_progress';
}

class Claim extends Step {
  async act(job: ModelJob, db: pg.Client, model: Model): Promise<void> {
    const worker = `worker-${++model.claims}`;
    const answer = await call<{ claimed: boolean; lease: number }>(db, 'public.claim_job($1, $2)', [job.id, worker]);
    expect(answer.claimed).toBe(job.state === 'pending');
    if (!answer.claimed) return;
    job.lease += 1;
    expect(answer.lease).toBe(job.lease);
    expect(job.holders.has(job.lease)).toBe(false); // a lease is given once
    job.holders.set(job.lease, worker);
    Object.assign(job, { state: 'in_progress', isSilent: false, hasMessage: false, events: job.events + 1 });
  }
}

class Beat extends HolderStep {
  async act(job: ModelJob, db: pg.Client): Promise<void> {
    const answer = await call(db, 'public.heartbeat_job($1, $2)', [job.id, this.leaseOf(job)]);
    expect(answer).toBe(this.holds(job) ? 'alive' : 'lost');
    if (answer === 'alive') job.isSilent = false;
  }
}

class Complete extends HolderStep {
  async act(job: ModelJob, db: pg.Client): Promise<void> {
    const lease = this.leaseOf(job);
    const answer = await call(db, 'public.complete_job($1, $2)', [job.id, lease]);
    const isRepeat = job.state === 'completed' && this.leasesBack === 0;
    expect(answer).toBe(this.holds(job) || isRepeat ? 'completed' : 'lost');
    if (this.holds(job)) {
      Object.assign(job, {
        state: 'completed',
        recoveries: 0,
        events: job.events + 1,
        completions: job.completions + 1,
      });
    } else if (!isRepeat && lease >= 0 && this.leasesBack >= 0 && !(job.state === 'pending' && this.leasesBack === 0)) {
      if (!job.refusedLeases.has(lease)) job.events += 1;
      job.refusedLeases.add(lease);
    }
  }
}

class Fail extends HolderStep {
  readonly retry: boolean;
  constructor(job: number, leasesBack: number, retry: boolean) {
    super(job, leasesBack);
    this.retry = retry;
  }
  async act(job: ModelJob, db: pg.Client): Promise<void> {
    const lease = this.leaseOf(job);
    const message = `error of lease ${lease}`;
    const answer = await call(db, 'public.fail_job($1, $2, $3, $4)', [job.id, lease, message, this.retry]);
    if (this.holds(job)) {
      const again = this.retry && job.errors + 1 <= 5;
      expect(answer).toBe(again ? 'retrying' : 'failed');
      const state = again ? 'pending' : 'failed';
      Object.assign(job, {
        state,
        errors: job.errors + 1,
        events: job.events + 1,
        hasMessage: again,
        lastError: message,
      });
    } else if (this.leasesBack === 0 && job.lastError === message && job.state !== 'completed') {
      expect(answer).toBe(job.state === 'pending' ? 'retrying' : 'failed');
    } else {
      expect(answer).toBe('lost');
    }
  }
}

class Release extends HolderStep {
  async act(job: ModelJob, db: pg.Client): Promise<void> {
    const answer = await call(db, 'public.release_job($1, $2)', [job.id, this.leaseOf(job)]);
    const isRepeat = job.state === 'pending' && this.leasesBack === 0;
    expect(answer).toBe(this.holds(job) || isRepeat ? 'released' : 'lost');
    if (this.holds(job))
      Object.assign(job, { state: 'pending', recoveries: 0, events: job.events + 1, hasMessage: true });
  }
}

class Silence extends Step {
  async act(job: ModelJob, db: pg.Client): Promise<void> {
    const worker = job.holders.get(job.lease) ?? '';
    await db.query(
      `update public.jobs set created_at = now() - interval '1 hour', updated_at = now() - interval '1 hour',
         started_at = now() - interval '1 hour' where id = '${job.id}' and status = 'in_progress';
       update public.job_heartbeats set last_heartbeat = now() - interval '1 hour'
       where job_id = '${job.id}' and last_heartbeat is not null;
       update public.worker_heartbeats set last_heartbeat = now() - interval '1 hour' where worker_id = '${worker}'`,
    );
    if (job.state === 'in_progress') job.isSilent = true;
  }
}

class Recover extends Step {
  async act(_job: ModelJob, db: pg.Client, model: Model): Promise<void> {
    const stale = model.jobs.filter((job) => job.state === 'in_progress' && job.isSilent);
    const { rows } = await db.query('select job_id, action from public.recover_stale_jobs()');
    const actions = new Map(rows.map((row) => [row.job_id, row.action]));
    expect(actions.size).toBe(stale.length);
    for (const job of stale) {
      const again = job.recoveries < 3;
      expect(actions.get(job.id)).toBe(again ? 'requeue' : 'fail');
      const { lease, recoveries } = again ? { lease: job.lease + 1, recoveries: job.recoveries + 1 } : job;
      const state = again ? 'pending' : 'failed';
      Object.assign(job, { state, lease, recoveries, events: job.events + 1, hasMessage: again });
    }
  }
}

/** Sends what is due or nearly so, as the monitor does. */
class Send extends Step {
  async act(_job: ModelJob, db: pg.Client, model: Model): Promise<void> {
    const { rows } = await db.query('select dispatch_id, job_id, lease::int from public.take_dispatches()');
    const waiting = model.jobs.filter((job) => job.state === 'pending' && job.hasMessage);
    expect(rows.map((row) => row.job_id).sort()).toEqual(waiting.map((job) => job.id).sort());
    for (const row of rows) expect(row.lease).toBe(waiting.find((job) => job.id === row.job_id)?.lease);
    const sent = rows.map((row) => ({
      dispatch_id: Number(row.dispatch_id),
      message_id: `message-${row.dispatch_id}`,
    }));
    expect(await call(db, `public.mark_dispatches($1)`, [JSON.stringify(sent)])).toBe(sent.length);
    for (const job of waiting) job.hasMessage = false;
  }
}

async function checkInvariants(job: ModelJob, db: pg.Client): Promise<void> {
  const row = await jobRow(db, job.id);
  const { state: status, lease, recoveries, errors } = job;
  expect(row).toMatchObject({ status, lease, recoveries, errors });
  if (status === 'in_progress') expect(row.worker_id).toBe(job.holders.get(lease));
  const events = await eventsOf(db, job.id);
  expect(events).toHaveLength(job.events); // one for each transition, none lost
  expect(events.filter((event) => event === 'completed')).toHaveLength(job.completions);
  expect(job.completions).toBeLessThanOrEqual(1);
  const unsent = (await dispatchesOf(db, job.id)).filter(({ sent_at }) => sent_at === null);
  expect(unsent.map(({ lease }) => lease)).toEqual(job.state === 'pending' && job.hasMessage ? [job.lease] : []);
}

const JOBS = 3;
const anyJob = fc.nat({ max: JOBS - 1 });
const leasesBack = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 3 }) },
);
const anyStep = fc.oneof(
  { weight: 4, arbitrary: anyJob.map((job) => new Claim(job)) },
  { weight: 2, arbitrary: fc.tuple(anyJob, leasesBack).map((args) => new Beat(...args)) },
  { weight: 1, arbitrary: fc.tuple(anyJob, leasesBack).map((args) => new Complete(...args)) },
  { weight: 2, arbitrary: fc.tuple(anyJob, leasesBack, fc.boolean()).map((args) => new Fail(...args)) },
  { weight: 1, arbitrary: fc.tuple(anyJob, leasesBack).map((args) => new Release(...args)) },
  { weight: 4, arbitrary: anyJob.map((job) => new Silence(job)) },
  { weight: 3, arbitrary: anyJob.map((job) => new Recover(job)) },
  { weight: 1, arbitrary: anyJob.map((job) => new Send(job)) },
);

test('whatever workers and monitors do in whatever order, a job has one holder, one end and one message', async () => {
  const db = await (await freshDatabase()).connect();
  const aModelJob = async (): Promise<ModelJob> => ({
    id: await aJob(db, { status: 'pending', lease: 0, started: null }),
    state: 'pending',
    lease: 0,
    recoveries: 0,
    errors: 0,
    isSilent: false,
    hasMessage: false,
    completions: 0,
    events: 0,
    refusedLeases: new Set(),
    holders: new Map(),
    lastError: null,
  });
  await fc.assert(
    fc.asyncProperty(fc.commands([anyStep], { size: 'max', maxCommands: 60 }), async (commands) => {
      await db.query('begin');
      try {
        const jobs = [await aModelJob(), await aModelJob(), await aModelJob()];
        await fc.asyncModelRun(() => ({ model: { jobs, claims: 0 }, real: { db } }), commands);
      } finally {
        await db.query('rollback');
      }
    }),
    { numRuns: 30 },
  );
});

/** What a client does next to a job; it answers by the lease that its own last claim of that job gave. */
const anyCall = fc.record({
  job: anyJob,
  kind: fc.constantFrom(
    'claim',
    'claim',
    'beat',
    'complete',
    'fail',
    'release',
    'silence',
    'silence',
    'recover',
    'send',
  ),
});
type Call = typeof anyCall extends fc.Arbitrary<infer T> ? T : never;

async function perform(db: pg.Client, calls: readonly Call[], jobs: readonly string[], name: string): Promise<void> {
  const leases = new Map<string, number>();
  for (const [index, { job, kind }] of calls.entries()) {
    const id = jobs[job] as string;
    const lease = leases.get(id) ?? 0;
    if (kind === 'claim') {
      const claim = await call<{ lease?: number }>(db, 'public.claim_job($1, $2)', [id, `${name}-${index}`]);
      if (claim.lease !== undefined) leases.set(id, claim.lease);
    } else if (kind === 'beat') await db.query('select public.heartbeat_job($1, $2)', [id, lease]);
    else if (kind === 'complete') await db.query('select public.complete_job($1, $2)', [id, lease]);
    else if (kind === 'fail') await db.query(`select public.fail_job($1, $2, 'site is down')`, [id, lease]);
    else if (kind === 'release') await db.query('select public.release_job($1, $2)', [id, lease]);
    else if (kind === 'recover') await db.query('select * from public.recover_stale_jobs()');
    else if (kind === 'send') {
      const { rows } = await db.query('select dispatch_id from public.take_dispatches()');
      const sent = rows.map(({ dispatch_id }) => ({ dispatch_id: Number(dispatch_id), message_id: 'message' }));
      await db.query('select public.mark_dispatches($1)', [JSON.stringify(sent)]);
    } else await makeSilent(db, id);
  }
}

async function makeSilent(db: pg.Client, id: string): Promise<void> {
  const past = `now() - interval '1 hour'`;
  await db.query(
    `update public.jobs set created_at = ${past}, updated_at = ${past}, started_at = ${past}
     where id = $1 and status = 'in_progress'`,
    [id],
  );
  await db.query(
    `update public.job_heartbeats set last_heartbeat = ${past} where job_id = $1 and last_heartbeat is not null`,
    [id],
  );
  await db.query(`update public.worker_heartbeats set last_heartbeat = ${past} where current_job_id = $1`, [id]);
}

test('clients that really run at once neither deadlock nor break the account of a job', async () => {
  const database = await freshDatabase();
  const clients = await Promise.all(Array.from({ length: 5 }, () => database.connect()));
  const [observer] = clients as [pg.Client];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyCall, { minLength: 20, maxLength: 40 }), {
        minLength: clients.length,
        maxLength: clients.length,
      }),
      async (scripts) => {
        const jobs: string[] = [];
        for (let index = 0; index < JOBS; index++) jobs.push(await aJob(observer, { status: 'pending', lease: 0 }));
        await Promise.all(clients.map((client, index) => perform(client, scripts[index] ?? [], jobs, `${index}`)));
        for (const id of jobs) await checkAccount(observer, id);
      },
    ),
    { numRuns: 12, endOnFailure: true },
  );
});

/** What must hold of a job's row, history and messages at rest, whatever led there. */
async function checkAccount(db: pg.Client, id: string): Promise<void> {
  const { rows: history } = await db.query(
    "select event, (details ->> 'lease')::int as lease from public.queue_history where job_id = $1 order by id",
    [id],
  );
  const events = history.map(({ event }) => event).filter((event) => event !== 'completion_refused');
  const count = (wanted: string) => events.filter((event) => event === wanted).length;
  const job = await jobRow(db, id);
  expect(job.lease).toBe(count('claimed') + count('requeued_stale'));
  const claimed = history.filter(({ event }) => event === 'claimed').map(({ lease }) => lease);
  expect(new Set(claimed).size).toBe(claimed.length); // a lease has one holder
  expect(count('completed')).toBeLessThanOrEqual(1);

  const last = events.at(-1);
  const states: Record<string, string> = {
    claimed: 'in_progress',
    completed: 'completed',
    failed: 'failed',
    failed_stale: 'failed',
    retry_scheduled: 'pending',
    released: 'pending',
    requeued_stale: 'pending',
  };
  expect(job.status).toBe(last === undefined ? 'pending' : states[last]);
  const messages = (await dispatchesOf(db, id)).filter(({ lease, sent_at }) => sent_at === null || lease === job.lease);
  const isWaiting = last === 'retry_scheduled' || last === 'released' || last === 'requeued_stale';
  expect(messages.filter(({ lease }) => lease === job.lease).length >= 1 || !isWaiting).toBe(true);
  expect(messages.filter(({ sent_at }) => sent_at === null)).toHaveLength(
    isWaiting && messages.every(({ sent_at }) => sent_at === null) ? 1 : 0,
  );
}
