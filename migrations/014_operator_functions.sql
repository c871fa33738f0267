-- What a person asks for: the recovery of one job, and what happened lately.

-- Recovers one stale job because a person asks: no batch, no breaker. What becomes of it is what its policy says (see
-- recover_stale_jobs), and a job on hold is released (action 'release'), since the person has decided now.
-- requested_by: who asked, 1 to 200 characters, kept in the event 'recovery_requested'. dry_run answers the same and
-- changes nothing. Refuses with 22023 where there is no such job, and with PT409 (HTTP 409) where it is not stale, or
-- where somebody is writing to it at this moment: asked twice, it does no harm.
create or replace function public.recover_stale_job(
  inout job_id uuid, requested_by text, threshold_minutes integer default 10, dry_run boolean default false,
  out customer_id text, out job_type text, out action text, out reason text, out stale_since timestamptz,
  out last_heartbeat timestamptz, out worker_id text, out lease_before bigint, out lease_after bigint,
  out recoveries integer, out breaker_open boolean, out error text
)
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
<<run>>
declare
  threshold constant interval := public.threshold_interval(threshold_minutes);
  run_id constant uuid := gen_random_uuid();
  wanted constant uuid := job_id;
  job public.jobs;
  verdict record;
begin
  if coalesce(length(requested_by), 0) not between 1 and 200 or dry_run is null then
    raise exception 'requested_by is %, dry_run is %, wanted 1 to 200 characters, true or false',
      coalesce(quote_literal(left(requested_by, 200)), 'null'), coalesce(dry_run::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;

  -- Lock first, judge after. No heartbeat can come between here and the commit; one being written is a sign of life.
  begin
    select * into job from public.jobs j where j.id = wanted for update nowait;
    if not found then
      raise exception 'there is no job %', coalesce(wanted::text, 'null') using errcode = 'invalid_parameter_value';
    end if;
    perform from public.job_heartbeats h where h.job_id = wanted for update nowait;
    perform from public.worker_heartbeats w
    where w.current_job_id::text = wanted::text or w.worker_id = job.worker_id
    for update nowait;
  exception when lock_not_available then
    raise exception 'job % is being written to at this moment, by its worker or by a monitor: look again in a minute', wanted
      using errcode = 'PT409';
  end;

  select s.* into verdict from public.judge_stale_jobs(threshold, array[wanted]) s;
  if not found then
    raise exception 'job % is not stale: %', wanted, case
      when job.status = 'in_progress' then 'it is in progress, and was heard of within the threshold'
      else format('it is %s', coalesce(job.status::text, 'without a status'))
    end using errcode = 'PT409';
  end if;

  if not dry_run then
    insert into public.queue_history (job_id, event, details, worker_id)
    values (
      wanted, 'recovery_requested',
      jsonb_build_object(
        'requested_by', requested_by, 'reason', verdict.reason, 'stale_since', verdict.stale_since,
        'lease', job.lease, 'run_id', run_id
      ),
      job.worker_id
    );
  end if;

  if verdict.held_at is null then
    select
      a.customer_id, a.job_type, a.action, a.reason, a.stale_since, a.last_heartbeat, a.worker_id,
      a.lease_before, a.lease_after, a.recoveries, a.breaker_open
    into strict
      customer_id, job_type, action, reason, stale_since, last_heartbeat, worker_id,
      lease_before, lease_after, recoveries, breaker_open
    from public.apply_recovery(array[wanted], threshold, false, run_id, dry_run) a;
    return;
  end if;
  if not dry_run then
    perform public.release_job(wanted, job.lease);
  end if;
  customer_id := verdict.customer_id;
  job_type := verdict.job_type;
  action := case when job.cancel_requested_at is null then 'release' else 'cancel' end;
  reason := verdict.reason;
  stale_since := verdict.stale_since;
  last_heartbeat := verdict.last_heartbeat;
  worker_id := verdict.worker_id;
  lease_before := job.lease;
  lease_after := job.lease;
  recoveries := case when action = 'release' then 0 else job.recoveries end;
  breaker_open := false;
end $$;
revoke execute on function public.recover_stale_job(uuid, text, integer, boolean) from public, anon, authenticated;
grant execute on function public.recover_stale_job(uuid, text, integer, boolean) to service_role;

-- How many jobs are stale, and the first row_limit of them (1 to 1,000), longest stale first:
-- {"stale": n, "jobs": [{…}]}, each with the columns of find_stale_jobs, and on_stale and max_recoveries of its policy.
-- One value and not rows, for the REST interface cuts rows at 1,000 and would hide how many there are.
create or replace function public.list_stale_jobs(threshold_minutes integer default 10, row_limit integer default 50)
returns jsonb
language plpgsql stable security invoker set search_path = '' set statement_timeout = '5s' as $$
begin
  if coalesce(row_limit, 0) not between 1 and 1000 then
    raise exception 'row_limit is %, wanted 1 to 1000', coalesce(row_limit::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  return (
    with
      stale as materialized (
        select s.* from public.judge_stale_jobs(public.threshold_interval(threshold_minutes)) s
      ),
      first as (
        select s.* from stale s order by s.stale_since, s.id limit row_limit
      )
    select jsonb_build_object(
      'stale', (select count(*) from stale),
      'jobs', coalesce(jsonb_agg(to_jsonb(f) order by f.stale_since, f.id), '[]')
    )
    from first f
  );
end $$;
revoke execute on function public.list_stale_jobs(integer, integer) from public, anon, authenticated;
grant execute on function public.list_stale_jobs(integer, integer) to service_role;

create index if not exists queue_history_created_at_idx on public.queue_history (created_at);

-- The newest row_limit events of all jobs (1 to 1,000), newest first, from since to until; null is open.
-- An older table may have the id of the job as a text, which need not be a uuid, and the words with a length.
create or replace function public.recent_events(
  row_limit integer default 20, since timestamptz default null, until timestamptz default null
)
returns table (created_at timestamptz, event text, job_id text, worker_id text, details jsonb)
language plpgsql stable security invoker set search_path = '' set statement_timeout = '5s' as $$
#variable_conflict use_column
begin
  if coalesce(row_limit, 0) not between 1 and 1000 then
    raise exception 'row_limit is %, wanted 1 to 1000', coalesce(row_limit::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  return query
  select h.created_at, h.event::text, h.job_id::text, h.worker_id::text, h.details
  from public.queue_history h
  where h.created_at between coalesce(since, '-infinity') and coalesce(until, 'infinity')
  order by h.created_at desc, h.ctid desc -- an older table may have no key; in an append-only one this is the order
  limit row_limit;
end $$;
revoke execute on function public.recent_events(integer, timestamptz, timestamptz) from public, anon, authenticated;
grant execute on function public.recent_events(integer, timestamptz, timestamptz) to service_role;

-- The callers of the API with the most admitted requests on a route since then (null: an hour ago), at most row_limit
-- (1 to 1,000), and whether the limit of max_requests in window_ms stops them now. Looked for among the newest 20,000
-- requests, so that the cost is bounded; their numbers are whole, for they come from the ordinals.
create or replace function public.busiest_callers(
  row_limit integer default 10, since timestamptz default null,
  max_requests integer default 100, window_ms integer default 60000
)
returns table (
  caller text, route text, requests bigint, requests_in_window bigint, is_limited boolean, last_request_at timestamptz
)
language plpgsql stable security invoker set search_path = '' set statement_timeout = '5s' as $$
#variable_conflict use_column
declare
  -- One clock for all rows; not now(), which is older the longer the transaction.
  instant constant timestamptz := clock_timestamp();
  first_moment constant timestamptz := coalesce(since, instant - interval '1 hour');
  window_start constant timestamptz := instant - make_interval(secs => window_ms / 1000.0);
begin
  if coalesce(row_limit, 0) not between 1 and 1000
    or coalesce(max_requests, 0) < 1 or coalesce(window_ms, 0) not between 1 and 3600000 then
    raise exception 'row_limit is %, max_requests is %, window_ms is %, wanted 1 to 1000, at least 1 and 1 to 3600000',
      coalesce(row_limit::text, 'null'), coalesce(max_requests::text, 'null'), coalesce(window_ms::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  return query
  with
    latest as (
      select r.caller_route_hash, r.caller, r.route, r.requested_at, r.ordinal
      from public.rate_limit_requests r
      where r.requested_at >= first_moment
      order by r.requested_at desc
      limit 20000
    ),
    callers as (
      select
        l.caller_route_hash, l.caller, l.route, max(l.requested_at) as last_request_at, max(l.ordinal) as last_ordinal
      from latest l group by l.caller_route_hash, l.caller, l.route
    ),
    counted as (
      select
        c.caller, c.route, c.last_request_at,
        c.last_ordinal - oldest.ordinal + 1 as requests,
        coalesce(c.last_ordinal - in_window.ordinal + 1, 0) as requests_in_window
      from callers c
      cross join lateral (
        select r.ordinal from public.rate_limit_requests r
        where r.caller_route_hash = c.caller_route_hash and r.requested_at >= first_moment
        order by r.requested_at, r.ordinal limit 1
      ) oldest
      left join lateral (
        select r.ordinal from public.rate_limit_requests r
        where r.caller_route_hash = c.caller_route_hash and r.requested_at > window_start
        order by r.requested_at, r.ordinal limit 1
      ) in_window on true
    )
  select
    n.caller, n.route, n.requests, n.requests_in_window, n.requests_in_window >= max_requests, n.last_request_at
  from counted n
  order by n.requests desc, n.caller, n.route
  limit row_limit;
end $$;
revoke execute on function public.busiest_callers(integer, timestamptz, integer, integer)
  from public, anon, authenticated;
grant execute on function public.busiest_callers(integer, timestamptz, integer, integer) to service_role;

notify pgrst, 'reload schema';
