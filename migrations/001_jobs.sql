-- Jobs: the row is the truth about a job, its SQS message only a hint.
-- Safe over an existing, full table: columns are added, none is renamed, changed or dropped.

do $$
begin
  if to_regclass('public.jobs') is null then
    create table public.jobs (
      id uuid primary key default gen_random_uuid(),
      customer_id text not null,
      package_size integer,
      priority_level integer not null default 3,
      status text not null default 'pending',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      started_at timestamptz,
      completed_at timestamptz,
      error_message text,
      metadata jsonb not null default '{}',
      constraint jobs_status_is_known check (status in ('pending', 'in_progress', 'completed', 'failed'))
    );
    -- The rollback drops the table only where this comment says that we made it.
    comment on table public.jobs is 'Created by Queuekeeper: one row per job.';
  end if;
end $$;

-- The rollback drops only the columns that bear this comment: an older table may have had some of them before.
do $$
declare
  wanted record;
  found_type regtype;
begin
  for wanted in
    select * from (values
      ('job_type', 'text', 'chooses the row of job_policies; null means the default policy'),
      ('lease', 'bigint not null default 0', 'fences the owner: up by one at each claim and each recovery'),
      ('recoveries', 'integer not null default 0', 'recoveries in a row; a completion or a release ends the row'),
      ('errors', 'integer not null default 0', 'failures that workers reported, counted apart from recoveries'),
      ('worker_id', 'text', 'the worker that holds the job'),
      ('held_at', 'timestamptz', 'set once when the policy says hold: a person must look'),
      ('cancel_requested_at', 'timestamptz', 'the worker hears of it in its next heartbeat'),
      ('dead_lettered_at', 'timestamptz', 'failed because its message is dead; a redriven message claims it again')
    ) as columns (name, type, purpose)
  loop
    select atttypid into found_type from pg_attribute
    where attrelid = 'public.jobs'::regclass and attname = wanted.name and not attisdropped;
    if not found then
      execute format('alter table public.jobs add column %I %s', wanted.name, wanted.type);
      execute format('comment on column public.jobs.%I is %L', wanted.name, 'Added by Queuekeeper: ' || wanted.purpose);
    elsif (select typcategory from pg_type where oid = found_type)
      <> (select typcategory from pg_type where oid = split_part(wanted.type, ' ', 1)::regtype) then
      raise exception 'jobs.% is %, wanted %: rename that column first',
        wanted.name, found_type, split_part(wanted.type, ' ', 1) using errcode = 'datatype_mismatch';
    end if;
  end loop;
end $$;

-- It holds only the jobs in progress, so that the cost of a scan never grows with the table. The last two columns let
-- deadlines and holds be looked up in the index alone; an index of their own the planner would not always take.
-- No heartbeat is written to jobs, so no heartbeat touches it.
create index if not exists jobs_in_progress_last_change_idx
  on public.jobs (greatest(updated_at, started_at, created_at), started_at, held_at) where status = 'in_progress';

-- The word for a finished job in this database: 'completed', or 'complete' where an older table knows only that.
do $do$
declare
  allowed text;
  word text := 'completed';
begin
  select string_agg(pg_get_constraintdef(c.oid), ' ') into allowed
  from pg_constraint c
  join pg_attribute a on a.attrelid = c.conrelid and a.attname = 'status' and a.attnum = any (c.conkey)
  where c.conrelid = 'public.jobs'::regclass and c.contype = 'c';

  if allowed like '%''complete''%' and allowed not like '%''completed''%' then
    word := 'complete';
  elsif coalesce(allowed, '') not like '%''completed''%'
    and exists (select from public.jobs where status = 'complete')
    and not exists (select from public.jobs where status = 'completed') then
    word := 'complete';
  end if;

  execute format(
    'create or replace function public.completed_status() returns text
       language sql immutable security invoker set search_path = '''' as %L',
    format('select %L', word)
  );
end $do$;
revoke execute on function public.completed_status() from public, anon, authenticated;
grant execute on function public.completed_status() to service_role;

alter table public.jobs enable row level security;
drop policy if exists deny_api_roles on public.jobs;
create policy deny_api_roles on public.jobs for all to anon, authenticated using (false) with check (false);
revoke all on public.jobs from public, anon, authenticated;
grant select, insert, update, delete on public.jobs to service_role;

notify pgrst, 'reload schema';
