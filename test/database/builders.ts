import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** Anything that runs SQL: a client, in or out of a transaction. */
export type Db = Pick<pg.Client, 'query'>;

/** How long ago, on the database's clock, such as '11 minutes'; null for never. Time passes by back-dating rows. */
export type Ago = string | null;

export type JobOptions = {
  readonly id?: string;
  readonly jobType?: string | null;
  readonly status?: string;
  readonly lease?: number;
  readonly recoveries?: number;
  readonly errors?: number;
  readonly workerId?: string | null;
  readonly created?: Ago;
  readonly updated?: Ago;
  readonly started?: Ago;
  readonly held?: Ago;
  readonly cancelRequested?: Ago;
  readonly metadata?: object;
};

/** Stores a job and answers its id. Unless told otherwise it is in progress and was last heard of an hour ago. */
export async function aJob(db: Db, options: JobOptions = {}): Promise<string> {
  const { id = randomUUID(), jobType = null, status = 'in_progress', lease = 1, recoveries = 0, errors = 0 } = options;
  const { workerId = null, created = '1 hour', updated = '1 hour', started = '1 hour' } = options;
  const { held = null, cancelRequested = null, metadata = {} } = options;
  await db.query(
    `insert into public.jobs (
       id, customer_id, package_size, job_type, status, lease, recoveries, errors, worker_id,
       created_at, updated_at, started_at, held_at, cancel_requested_at, metadata
     ) values (
       $1, 'customer-1', 50, $2, $3, $4, $5, $6, $7, clock_timestamp() - $8::interval, clock_timestamp() - $9::interval,
       clock_timestamp() - $10::interval, clock_timestamp() - $11::interval, clock_timestamp() - $12::interval, $13
     )`,
    [
      id,
      jobType,
      status,
      lease,
      recoveries,
      errors,
      workerId,
      created,
      updated,
      started,
      held,
      cancelRequested,
      metadata,
    ],
  );
  return id;
}

/** Stores what heartbeat_job() would have written that long ago. */
export async function aJobHeartbeat(db: Db, jobId: string, lease: number, beat: Ago): Promise<void> {
  await db.query('insert into public.job_heartbeats values ($1, $2, clock_timestamp() - $3::interval)', [
    jobId,
    lease,
    beat,
  ]);
}

/** Stores what a worker that knows nothing of leases would have written that long ago. */
export async function aWorkerHeartbeat(
  db: Db,
  options: { workerId?: string; currentJobId?: string | null; beat: Ago },
): Promise<void> {
  const { workerId = `worker-${randomUUID()}`, currentJobId = null, beat } = options;
  await db.query(
    `insert into public.worker_heartbeats (worker_id, current_job_id, last_heartbeat)
     values ($1, $2, clock_timestamp() - $3::interval)`,
    [workerId, currentJobId, beat],
  );
}

export type PolicyOptions = {
  readonly staleAfter?: string | null;
  readonly deadline?: string | null;
  readonly maxRecoveries?: number | null;
  readonly onStale?: 'requeue' | 'fail' | 'hold' | null;
  readonly maxErrors?: number | null;
};

/** Stores the policy of a job type; what is not given is inherited. */
export async function aPolicy(db: Db, jobType: string, options: PolicyOptions = {}): Promise<void> {
  const { staleAfter = null, deadline = null, maxRecoveries = null, onStale = null, maxErrors = null } = options;
  await db.query(
    `insert into public.job_policies (job_type, stale_after, deadline, max_recoveries, on_stale, max_errors)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (job_type) do update set stale_after = excluded.stale_after, deadline = excluded.deadline,
       max_recoveries = excluded.max_recoveries, on_stale = excluded.on_stale, max_errors = excluded.max_errors`,
    [jobType, staleAfter, deadline, maxRecoveries, onStale, maxErrors],
  );
}

export type JobRow = {
  readonly id: string;
  readonly status: string;
  readonly lease: number;
  readonly recoveries: number;
  readonly errors: number;
  readonly worker_id: string | null;
  readonly error_message: string | null;
  readonly started_at: string | null;
  readonly held_at: string | null;
  readonly cancel_requested_at: string | null;
  readonly completed_at: string | null;
};

/** The row of a job as JSON gives it: numbers are numbers, times are strings. */
export async function jobRow(db: Db, id: string): Promise<JobRow> {
  const { rows } = await db.query('select to_jsonb(j) as job from public.jobs j where id = $1', [id]);
  return rows[0]?.job;
}

export type HistoryEvent = {
  readonly event: string;
  readonly details: Record<string, unknown>;
  readonly worker_id: string | null;
};

/** What happened to a job, oldest first. */
export async function historyOf(db: Db, jobId: string): Promise<HistoryEvent[]> {
  const { rows } = await db.query(
    'select event, details, worker_id from public.queue_history where job_id = $1 order by id',
    [jobId],
  );
  return rows;
}

/** The names of what happened to a job, oldest first. */
export async function eventsOf(db: Db, jobId: string): Promise<string[]> {
  return (await historyOf(db, jobId)).map(({ event }) => event);
}

export type DispatchRow = {
  readonly id: number;
  readonly job_id: string;
  readonly lease: number;
  readonly requeued_by: string;
  readonly not_before: string;
  readonly attempts: number;
  readonly held_until: string | null;
  readonly last_error: string | null;
  readonly sent_at: string | null;
  readonly message_id: string | null;
};

/** The messages of a job, sent or not. */
export async function dispatchesOf(db: Db, jobId: string): Promise<DispatchRow[]> {
  const { rows } = await db.query(
    'select to_jsonb(d) as dispatch from public.job_dispatches d where job_id = $1 order by id',
    [jobId],
  );
  return rows.map(({ dispatch }) => dispatch);
}

/** Every row of every table in `public`, to show that nothing has changed. */
export async function dumpTables(db: Db): Promise<Record<string, string[]>> {
  const { rows: tables } = await db.query(
    `select relname from pg_catalog.pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname`,
  );
  const dump: Record<string, string[]> = {};
  for (const { relname } of tables) {
    const { rows } = await db.query(`select to_jsonb(t)::text as row from public.${relname} t order by 1`);
    dump[relname] = rows.map(({ row }) => row);
  }
  return dump;
}

/** The one value that a function answers. */
export async function call<T = unknown>(db: Db, expression: string, values: unknown[] = []): Promise<T> {
  const { rows } = await db.query(`select (select ${expression}) as answer`, values);
  return rows[0].answer;
}
