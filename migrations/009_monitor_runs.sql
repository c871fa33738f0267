-- Each run of the stale-job monitor, for looking back; and the share of wrong recoveries.

create table if not exists public.monitor_runs (
  run_id uuid primary key,
  monitor text not null,
  started_at timestamptz not null,
  finished_at timestamptz not null default clock_timestamp(),
  succeeded boolean not null,
  summary jsonb not null default '{}'
);
create index if not exists monitor_runs_latest_idx on public.monitor_runs (monitor, finished_at desc);

alter table public.monitor_runs enable row level security;
drop policy if exists deny_api_roles on public.monitor_runs;
create policy deny_api_roles on public.monitor_runs for all to anon, authenticated using (false) with check (false);
revoke all on public.monitor_runs from public, anon, authenticated;
grant select, insert, update, delete on public.monitor_runs to service_role;

-- Records a finished run (a second call with the same run_id changes nothing) and tidies: runs older than 30 days and
-- dispatches sent more than 7 days ago go, at most 1,000 of each a run.
-- Answers how many late completions were refused since the run of this monitor before it.
create or replace function public.record_monitor_run(
  run_id uuid, monitor text, duration_ms integer, succeeded boolean, summary jsonb default '{}'
)
returns integer
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
declare
  previous timestamptz;
  refused integer;
begin
  select max(r.finished_at) into previous
  from public.monitor_runs r
  where r.monitor = record_monitor_run.monitor and r.run_id <> record_monitor_run.run_id;
  select count(*) into refused
  from public.queue_history h
  where h.event = 'completion_refused' and h.created_at > coalesce(previous, '-infinity');

  insert into public.monitor_runs (run_id, monitor, started_at, succeeded, summary)
  values (
    record_monitor_run.run_id, record_monitor_run.monitor,
    clock_timestamp() - make_interval(secs => greatest(coalesce(duration_ms, 0), 0) / 1000.0),
    record_monitor_run.succeeded, record_monitor_run.summary
  )
  on conflict (run_id) do nothing;

  delete from public.monitor_runs r where r.run_id = any (array(
    select old.run_id from public.monitor_runs old
    where old.monitor = record_monitor_run.monitor and old.finished_at < now() - interval '30 days'
    order by old.finished_at limit 1000 for update skip locked
  ));
  delete from public.job_dispatches d where d.id = any (array(
    select old.id from public.job_dispatches old
    where old.sent_at < now() - interval '7 days'
    order by old.sent_at limit 1000 for update skip locked
  ));
  return refused;
end $$;
revoke execute on function public.record_monitor_run(uuid, text, integer, boolean, jsonb)
  from public, anon, authenticated;
grant execute on function public.record_monitor_run(uuid, text, integer, boolean, jsonb) to service_role;

-- Per UTC day: recoveries, late completions refused, and their ratio: the one number that says that a threshold is
-- too tight, because those jobs were alive.
create or replace view public.wrong_recoveries_view with (security_invoker = true) as
select
  date_trunc('day', h.created_at at time zone 'utc')::date as day,
  count(*) filter (where h.event = 'requeued_stale') as recoveries,
  count(*) filter (where h.event = 'completion_refused') as completions_refused,
  round(
    count(*) filter (where h.event = 'completion_refused')::numeric
      / nullif(count(*) filter (where h.event = 'requeued_stale'), 0), 3
  ) as share_wrong
from public.queue_history h
where h.event in ('requeued_stale', 'completion_refused')
group by 1;
revoke all on public.wrong_recoveries_view from public, anon, authenticated;
grant select on public.wrong_recoveries_view to service_role;

notify pgrst, 'reload schema';
