-- What GET /api/health answers from: one call that never scans the jobs.
-- A plain index build keeps writers out while it lasts. On a table of many millions, run the two `create index`
-- statements alone first, each with `concurrently` after `index`: then this file finds them done.

-- The line of the jobs that wait, the longest waiting first. A recovered or retried job stands at its end again: its
-- message is a new one. With the two times in it, the line is read from the index alone.
create index if not exists jobs_waiting_line_idx
  on public.jobs (greatest(updated_at, created_at), id) include (updated_at, created_at) where status = 'pending';
-- When a job ended. Whatever wrote it: complete_job sets completed_at, fail_job only updated_at.
create index if not exists jobs_finished_at_idx
  on public.jobs (coalesce(completed_at, updated_at)) where status not in ('pending', 'in_progress');
-- Until there are statistics of that expression, the planner would guess how much of it is today.
analyze public.jobs;

-- One JSON object; "today" is UTC, ages are in seconds on the database's clock.
-- workers_active: workers that were heard of within threshold_minutes. stale_jobs: as find_stale_jobs has them.
-- oldest_pending_seconds: of the jobs that a worker could take now; null when none waits.
-- dead_letters: as the dlq-monitor counted them last, seconds_since_dead_letters ago; both null before the first count.
-- dead_letters, the table, would go on showing those of a queue that is watched no more.
-- monitors: when each ended a run last, well or not, and when it last did so well.
create or replace function public.system_health(threshold_minutes integer default 10) returns jsonb
language sql stable security invoker set search_path = '' set statement_timeout = '1900ms'
-- jit: the compiler would take longer than the answer. The two scans: statistics from a time when most jobs waited or ran
-- would choose the whole table, or an index of all of it, long after these have ended. work_mem: so that "not in" is always
-- a look into a hash, and not into a list; it takes no more than there is to hold.
set jit = off set enable_seqscan = off set enable_bitmapscan = off set work_mem = '64MB' as $$
  with
    clock as materialized (
      select pg_catalog.clock_timestamp() as now, public.threshold_interval(threshold_minutes) as threshold
    ),
    finished_today as (
      select
        count(*) filter (where j.status::text in ('completed', 'complete')) as completed,
        count(*) filter (where j.status::text = 'failed') as failed
      from public.jobs j
      where j.status not in ('pending', 'in_progress')
        -- now(), not the clock above: the planner knows it. Two bounds, so that it guesses low where it knows nothing.
        and coalesce(j.completed_at, j.updated_at) >= pg_catalog.date_trunc('day', now(), 'UTC')
        and coalesce(j.completed_at, j.updated_at) < pg_catalog.date_trunc('day', now(), 'UTC') + interval '24 hours'
    ),
    -- A message that must wait, before it is sent or, for SQS's longest delay, after.
    delayed as materialized (
      select d.job_id from public.job_dispatches d
      where d.sent_at is null and d.not_before > (select now from clock)
      union all
      select d.job_id from public.job_dispatches d
      where d.sent_at > (select now from clock) - interval '15 minutes' and d.not_before > (select now from clock)
    ),
    longest_waiting as (
      select greatest(j.updated_at, j.created_at) as since
      from public.jobs j
      where j.status = 'pending' and j.id not in (select d.job_id from delayed d)
      order by greatest(j.updated_at, j.created_at), j.id
      limit 1
    ),
    dead_letters as (
      select (r.summary ->> 'depth')::bigint as count, r.finished_at
      from public.monitor_runs r
      where r.monitor = 'dlq-monitor' and pg_catalog.jsonb_typeof(r.summary -> 'depth') = 'number'
      order by r.finished_at desc
      limit 1
    ),
    monitors as (
      select
        known.monitor,
        (select max(r.finished_at) from public.monitor_runs r where r.monitor = known.monitor) as last_run,
        (
          select max(r.finished_at) from public.monitor_runs r where r.monitor = known.monitor and r.succeeded
        ) as last_success
      from (values ('stale-job-monitor'), ('dlq-monitor')) as known (monitor)
    )
  select pg_catalog.jsonb_build_object(
    'jobs_pending', (select count(*) from public.jobs j where j.status = 'pending'),
    'jobs_in_progress', (select count(*) from public.jobs j where j.status = 'in_progress'),
    'jobs_completed_today', f.completed,
    'jobs_failed_today', f.failed,
    'workers_active', (
      select count(distinct w.worker_id) from public.worker_heartbeats w
      where w.last_heartbeat > clock.now - clock.threshold
    ),
    'stale_jobs', (select count(*) from public.judge_stale_jobs(clock.threshold)),
    -- Not below 0: the clock of who made the job may be ahead of ours.
    'oldest_pending_seconds', (
      select greatest(floor(extract(epoch from clock.now - w.since)), 0) from longest_waiting w
    ),
    'dead_letters', (select d.count from dead_letters d),
    'seconds_since_dead_letters', (select floor(extract(epoch from clock.now - d.finished_at)) from dead_letters d),
    'monitors', (
      select pg_catalog.jsonb_agg(
        pg_catalog.jsonb_build_object(
          'monitor', m.monitor,
          'last_run', m.last_run,
          'last_success', m.last_success,
          'seconds_since_run', floor(extract(epoch from clock.now - m.last_run)),
          'seconds_since_success', floor(extract(epoch from clock.now - m.last_success))
        )
        order by m.monitor desc
      )
      from monitors m
    )
  )
  from clock cross join finished_today f
$$;
revoke execute on function public.system_health(integer) from public, anon, authenticated;
grant execute on function public.system_health(integer) to service_role;

notify pgrst, 'reload schema';
