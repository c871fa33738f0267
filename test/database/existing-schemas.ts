/** Two databases as teams had them before Queuekeeper, in the extremes that are known from the field. */
export type ExistingSchema = {
  readonly name: string;
  readonly sql: string;
  /** Its word for a finished job. */
  readonly completed: string;
  /** A job in progress that nothing was heard of for an hour. */
  readonly staleJob: string;
  readonly customer: string;
};

const STALE_JOB = 'aaaaaaaa-0000-4000-8000-000000000001';
const CUSTOMER = 'cccccccc-0000-4000-8000-000000000001';

/** uuid keys, 'complete', a trigger that renews updated_at, functions and a view of the same names as ours. */
const UUIDS: ExistingSchema = {
  name: "uuid customers and 'complete'",
  completed: 'complete',
  staleJob: STALE_JOB,
  customer: CUSTOMER,
  sql: `
    create table public.customers (id uuid primary key, email text);
    insert into public.customers values ('${CUSTOMER}', 'someone@example.com');
    create table public.jobs (
      number bigserial,
      id uuid primary key default gen_random_uuid(),
      customer_id uuid not null references public.customers (id),
      package_size integer not null,
      priority_level integer default 3,
      status text not null default 'pending' check (status in ('pending', 'in_progress', 'complete', 'failed')),
      created_at timestamptz default now(), updated_at timestamptz default now(),
      started_at timestamptz, completed_at timestamptz, error_message text, metadata jsonb,
      worker_id text
    );
    create table public.worker_heartbeats (
      id bigserial primary key, worker_id text unique not null, queue_name text, status text,
      current_job_id uuid references public.jobs (id), last_heartbeat timestamptz, metadata jsonb
    );
    create table public.queue_history (
      id bigserial primary key, job_id uuid, event text not null, details jsonb, worker_id text,
      created_at timestamptz default now()
    );
    create function public.renew_updated_at() returns trigger language plpgsql as
      'begin new.updated_at := now(); return new; end';
    create function public.guard_history() returns trigger language plpgsql as
      'begin raise exception ''history is for ever''; end';
    create trigger guard_history before update or delete on public.queue_history
      for each row execute function public.guard_history();
    create function public.find_stale_jobs(minutes integer) returns setof uuid language sql as
      'select id from public.jobs where updated_at < now() - make_interval(mins => minutes)';
    create view public.stale_jobs_view as select * from public.find_stale_jobs(10);

    insert into public.jobs (id, customer_id, package_size, status, created_at, updated_at, started_at, worker_id)
    values ('${STALE_JOB}', '${CUSTOMER}', 50, 'in_progress', now() - interval '2 hours', now() - interval '1 hour',
      now() - interval '1 hour', 'worker-a');
    insert into public.jobs (customer_id, package_size, status, completed_at)
    select '${CUSTOMER}', 100, word, now()
    from unnest(array['pending', 'in_progress', 'complete', 'failed']) word, generate_series(1, 25);
    create trigger renew_updated_at before update on public.jobs
      for each row execute function public.renew_updated_at();
    insert into public.worker_heartbeats (worker_id, current_job_id, last_heartbeat)
    values ('worker-a', '${STALE_JOB}', now() - interval '1 hour'), ('worker-b', null, now());
    insert into public.queue_history (job_id, event) values ('${STALE_JOB}', 'created');`,
};

/** Text everywhere, 'completed', no constraints, rows with holes. */
const TEXTS: ExistingSchema = {
  name: "text customers and 'completed'",
  completed: 'completed',
  staleJob: STALE_JOB,
  customer: 'acme-gmbh',
  sql: `
    create table public.jobs (
      id uuid primary key default gen_random_uuid(), customer_id text, package_size integer,
      priority_level integer default 3,
      status text constraint status_check check (status in ('pending', 'in_progress', 'completed', 'failed')),
      created_at timestamptz, updated_at timestamptz, started_at timestamptz, completed_at timestamptz,
      error_message text, metadata jsonb
    );
    create table public.worker_heartbeats (
      worker_id text, queue_name text, status text, current_job_id text, last_heartbeat timestamptz, metadata jsonb
    );
    create table public.queue_history (job_id uuid, event text, details jsonb, worker_id text, created_at timestamptz);
    create function public.guard_history() returns trigger language plpgsql as
      'begin raise exception ''history is for ever''; end';
    create trigger guard_history before update or delete on public.queue_history
      for each row execute function public.guard_history();

    insert into public.jobs (id, customer_id, status, created_at)
    values ('${STALE_JOB}', 'acme-gmbh', 'in_progress', now() - interval '1 hour');
    insert into public.jobs (customer_id, status, updated_at)
    select 'acme-gmbh', word, now()
    from unnest(array['pending', 'in_progress', 'completed', 'failed', null]) word, generate_series(1, 25);
    insert into public.worker_heartbeats values
      ('worker-a', 'uploads', 'busy', '${STALE_JOB}', now() - interval '1 hour', null),
      ('worker-b', null, null, 'none', now(), null), ('worker-b', null, null, null, null, null);
    insert into public.queue_history values ('${STALE_JOB}', 'created', null, null, null);`,
};

export const EXISTING_SCHEMAS: readonly ExistingSchema[] = [UUIDS, TEXTS];
