-- Which jobs are stale, why and since when: policies per job type, the judgement, and its two readers.

-- A null inherits from the row 'default'; a type without a row uses 'default' whole.
create table if not exists public.job_policies (
  job_type text primary key,
  stale_after interval, -- no sign of life for longer than this; null: threshold_minutes of the call
  deadline interval, -- longest time from claim to end, heartbeat or not; null: none
  max_recoveries integer, -- recoveries in a row before the job fails
  on_stale text, -- requeue: back to pending; fail: never run twice; hold: leave it for a person
  max_errors integer, -- failures reported by workers before a retry is refused
  constraint job_policies_stale_after_is_positive check (stale_after > interval '0'),
  constraint job_policies_deadline_is_positive check (deadline > interval '0'),
  constraint job_policies_max_recoveries_is_not_negative check (max_recoveries >= 0),
  constraint job_policies_on_stale_is_known check (on_stale in ('requeue', 'fail', 'hold')),
  constraint job_policies_max_errors_is_not_negative check (max_errors >= 0)
);
insert into public.job_policies (job_type, max_recoveries, on_stale, max_errors)
values ('default', 3, 'requeue', 5)
on conflict (job_type) do nothing;

alter table public.job_policies enable row level security;
drop policy if exists deny_api_roles on public.job_policies;
create policy deny_api_roles on public.job_policies for all to anon, authenticated using (false) with check (false);
revoke all on public.job_policies from public, anon, authenticated;
grant select, insert, update, delete on public.job_policies to service_role;

drop view if exists public.stale_jobs_view;
drop function if exists public.find_stale_jobs(integer);

-- The policies in force, nulls filled in. The row 'default' is there even where somebody deleted it.
create or replace view public.effective_job_policies with (security_invoker = true) as
select
  known.job_type,
  coalesce(own.stale_after, base.stale_after) as stale_after,
  coalesce(own.deadline, base.deadline) as deadline,
  coalesce(own.max_recoveries, base.max_recoveries, 3) as max_recoveries,
  coalesce(own.on_stale, base.on_stale, 'requeue') as on_stale,
  coalesce(own.max_errors, base.max_errors, 5) as max_errors
from (select 'default' as job_type union select job_type from public.job_policies) known
left join public.job_policies own on own.job_type = known.job_type
left join public.job_policies base on base.job_type = 'default';
revoke all on public.effective_job_policies from public, anon, authenticated;
grant select on public.effective_job_policies to service_role;

-- The one judgement of staleness, read by find_stale_jobs and by recover_stale_jobs.
-- A job that heartbeat_job() has kept alive under its lease is judged by those beats. One that was claimed and never
-- beaten, by the row of the worker that claimed it, while that names this job: a worker that goes on with another job
-- has lost this one. One that was put in progress without claim_job(), by any heartbeat that names it or its worker.
-- only_ids limits the answer to those jobs; null means all.
create or replace function public.judge_stale_jobs(threshold interval, only_ids uuid[] default null)
returns table (
  id uuid, customer_id text, job_type text, status text, package_size integer, priority_level integer,
  created_at timestamptz, updated_at timestamptz, started_at timestamptz, last_heartbeat timestamptz,
  worker_id text, lease bigint, recoveries integer, held_at timestamptz,
  reason text, stale_since timestamptz, on_stale text, max_recoveries integer
)
-- rows: few, so that what is joined to it is looked up by key, not scanned
language sql stable security invoker rows 100 set search_path = '' as $$
  with
    clock as materialized (select pg_catalog.clock_timestamp() as now),
    policies as materialized (
      select p.job_type, coalesce(p.stale_after, threshold) as stale_after, p.deadline, p.on_stale, p.max_recoveries
      from public.effective_job_policies p
    ),
    -- Three scans of one small index, never one with OR: that would be a scan of the table. The place of a row, which
    -- holds within one statement, spares a way through the key's own index.
    suspects as (
      select j.tableoid, j.ctid from public.jobs j
      where j.status = 'in_progress'
        and greatest(j.updated_at, j.started_at, j.created_at)
          < (select now from clock) - (select min(p.stale_after) from policies p)
        and (only_ids is null or j.id = any (only_ids))
      union
      select j.tableoid, j.ctid from public.jobs j
      where j.status = 'in_progress'
        and (select min(p.deadline) from policies p) is not null -- else the scan is not even begun
        and j.started_at < (select now from clock) - (select min(p.deadline) from policies p)
        and (only_ids is null or j.id = any (only_ids))
      union
      select j.tableoid, j.ctid from public.jobs j
      where j.status = 'in_progress' and j.held_at is not null
        and (only_ids is null or j.id = any (only_ids))
    ),
    -- Column by column: a jobs table of another team's making may have columns of any name besides.
    judged as (
      select
        j.id, j.customer_id::text as customer_id, j.job_type, j.status::text as status,
        j.package_size, j.priority_level, j.created_at, j.updated_at, j.started_at,
        j.worker_id, j.lease, j.recoveries, j.held_at,
        p.stale_after, p.deadline, p.on_stale, p.max_recoveries, beat.last_heartbeat,
        greatest(j.updated_at, j.started_at, j.created_at, beat.last_heartbeat) as last_sign
      from suspects s
      join public.jobs j on j.ctid = s.ctid and j.tableoid = s.tableoid
      join policies p on p.job_type = coalesce(
        (select k.job_type from policies k where k.job_type = j.job_type), 'default'
      )
      left join public.job_heartbeats h on h.job_id = j.id and h.lease = j.lease
      cross join lateral (
        select coalesce(h.last_heartbeat, max(w.last_heartbeat)) as last_heartbeat
        from (
          select by_job.last_heartbeat from public.worker_heartbeats by_job
          where by_job.current_job_id::text = j.id::text and (h.job_id is null or by_job.worker_id = j.worker_id)
          union all
          select by_worker.last_heartbeat from public.worker_heartbeats by_worker
          where by_worker.worker_id = j.worker_id and h.job_id is null
        ) w
      ) beat
    ),
    silent_or_late as (
      select
        g.*,
        g.last_sign + g.stale_after < (select now from clock) as is_silent,
        coalesce(g.started_at + g.deadline < (select now from clock), false) as is_late,
        -- The hold itself is no sign of life, though a trigger may renew updated_at with it.
        coalesce(g.last_sign <= g.held_at, false) as is_on_hold
      from judged g
    )
  select
    g.id, g.customer_id, g.job_type, g.status, g.package_size, g.priority_level,
    g.created_at, g.updated_at, g.started_at, g.last_heartbeat,
    g.worker_id, g.lease, g.recoveries, g.held_at,
    case
      when g.is_late and not g.is_silent then 'deadline_exceeded'
      when g.last_heartbeat is null then 'no_heartbeat'
      else 'heartbeat_lost'
    end,
    least(
      case when g.is_silent then g.last_sign + g.stale_after end,
      case when g.is_late then g.started_at + g.deadline end,
      case when g.is_on_hold then g.held_at end
    ),
    g.on_stale, g.max_recoveries
  from silent_or_late g
  where g.is_silent or g.is_late or g.is_on_hold
$$;
revoke execute on function public.judge_stale_jobs(interval, uuid[]) from public, anon, authenticated;
grant execute on function public.judge_stale_jobs(interval, uuid[]) to service_role;

-- A threshold in whole minutes, at least 1, or an error that names it. 0 would call every running job stale,
-- and null none.
create or replace function public.threshold_interval(threshold_minutes integer) returns interval
  language plpgsql immutable security invoker set search_path = '' as $$
begin
  if threshold_minutes is null or threshold_minutes < 1 then
    raise exception 'threshold_minutes is %, wanted a whole number of at least 1',
      coalesce(threshold_minutes::text, 'null') using errcode = 'invalid_parameter_value';
  end if;
  return make_interval(mins => threshold_minutes);
end $$;
revoke execute on function public.threshold_interval(integer) from public, anon, authenticated;
grant execute on function public.threshold_interval(integer) to service_role;

-- The stale jobs, longest stale first. A job is stale when it is in progress and neither its row nor a heartbeat
-- shows life within the threshold, or when it ran past its type's deadline; on hold, it stays stale until it shows life.
-- reason: heartbeat_lost, no_heartbeat or deadline_exceeded; stale_since: when that became true.
create or replace function public.find_stale_jobs(threshold_minutes integer default 10)
returns table (
  id uuid, customer_id text, status text, package_size integer, priority_level integer,
  created_at timestamptz, updated_at timestamptz, last_heartbeat timestamptz,
  started_at timestamptz, job_type text, worker_id text, lease bigint, recoveries integer, held_at timestamptz,
  reason text, stale_since timestamptz
)
language plpgsql stable security invoker set search_path = '' set statement_timeout = '5s' as $$
begin
  return query
  select
    s.id, s.customer_id, s.status, s.package_size, s.priority_level,
    s.created_at, s.updated_at, s.last_heartbeat,
    s.started_at, s.job_type, s.worker_id, s.lease, s.recoveries, s.held_at,
    s.reason, s.stale_since
  from public.judge_stale_jobs(public.threshold_interval(threshold_minutes)) s
  order by s.stale_since, s.id;
end $$;
revoke execute on function public.find_stale_jobs(integer) from public, anon, authenticated;
grant execute on function public.find_stale_jobs(integer) to service_role;

create or replace view public.stale_jobs_view with (security_invoker = true) as
select * from public.find_stale_jobs();
revoke all on public.stale_jobs_view from public, anon, authenticated;
grant select on public.stale_jobs_view to service_role;

notify pgrst, 'reload schema';
