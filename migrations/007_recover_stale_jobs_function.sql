-- Recovery: lock, judge again, then the row, its event and its dispatch in one statement.

-- How many jobs run, how many of them are stale, and whether that looks like an outage rather than crashes.
-- Jobs on hold wait for a person: they count as stale, but neither as running nor for the breaker.
-- breaker_open: at least breaker_min_running jobs run and more than breaker_share (0 to 1) of them are stale.
create or replace function public.stale_job_health(
  threshold_minutes integer default 10, breaker_min_running integer default 20, breaker_share numeric default 0.5
)
returns table (running integer, stale integer, held integer, oldest_stale_seconds integer, breaker_open boolean)
language plpgsql stable security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
begin
  if coalesce(breaker_min_running, 0) < 1 or breaker_share is null or breaker_share not between 0 and 1 then
    raise exception 'breaker_min_running is %, breaker_share is %, wanted at least 1 and a share from 0 to 1',
      coalesce(breaker_min_running::text, 'null'), coalesce(breaker_share::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  return query
  with
    ill as (
      select
        count(*)::integer as stale,
        count(s.held_at)::integer as held,
        coalesce(max(extract(epoch from clock_timestamp() - s.stale_since)), 0)::integer as oldest
      from public.judge_stale_jobs(public.threshold_interval(threshold_minutes)) s
    ),
    busy as (
      select count(*)::integer as running from public.jobs j where j.status = 'in_progress' and j.held_at is null
    )
  select
    busy.running, ill.stale, ill.held, ill.oldest,
    busy.running >= breaker_min_running and ill.stale - ill.held > breaker_share * busy.running
  from ill cross join busy;
end $$;
revoke execute on function public.stale_job_health(integer, integer, numeric) from public, anon, authenticated;
grant execute on function public.stale_job_health(integer, integer, numeric) to service_role;

-- Decides and, unless dry_run, does it: the work of recover_stale_jobs for jobs that it holds locked. All or nothing.
create or replace function public.apply_recovery(
  job_ids uuid[], threshold interval, outage boolean, run_id uuid, dry_run boolean
)
returns table (
  job_id uuid, customer_id text, job_type text, action text, reason text, stale_since timestamptz,
  last_heartbeat timestamptz, worker_id text, lease_before bigint, lease_after bigint, recoveries integer,
  breaker_open boolean, error text
)
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
begin
  return query
  with
    judged as (
      select
        s.*,
        case
          when j.cancel_requested_at is not null then 'cancel'
          when s.on_stale <> 'requeue' then s.on_stale
          when apply_recovery.outage or s.recoveries < s.max_recoveries then 'requeue'
          else 'fail'
        end as action
      from public.judge_stale_jobs(apply_recovery.threshold, apply_recovery.job_ids) s
      join public.jobs j on j.id = s.id and j.status = 'in_progress'
    ),
    decided as (
      select
        g.*,
        g.lease + (g.action = 'requeue')::integer as lease_after,
        g.recoveries + (g.action = 'requeue' and not apply_recovery.outage)::integer as recoveries_after,
        case
          when g.action = 'cancel' then 'Cancelled on request; its worker died before it confirmed.'
          when g.action = 'fail' then format(
            'Stale since %s (%s, worker %s, last heartbeat %s). %s',
            to_char(g.stale_since at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS "UTC"'), g.reason,
            coalesce(g.worker_id, 'unknown'),
            coalesce(to_char(g.last_heartbeat at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS "UTC"'), 'never'),
            case
              when g.on_stale = 'fail' then 'Its policy says: fail, never run twice.'
              else format('Recovered %s times in a row already, of %s allowed.', g.recoveries, g.max_recoveries)
            end
          )
        end as message,
        case g.action
          when 'requeue' then 'requeued_stale'
          when 'hold' then 'held_stale'
          when 'cancel' then 'cancelled'
          else 'failed_stale'
        end as event
      from judged g
    ),
    moved as (
      update public.jobs j
      set
        status = case d.action when 'requeue' then 'pending' when 'hold' then j.status else 'failed' end,
        lease = d.lease_after,
        recoveries = d.recoveries_after,
        held_at = case when d.action = 'hold' then clock_timestamp() end,
        worker_id = case when d.action <> 'requeue' then j.worker_id end,
        -- A worker that does not note its start must not be judged by the start of the one before it.
        started_at = case when d.action <> 'requeue' then j.started_at end,
        error_message = coalesce(d.message, j.error_message),
        -- A held job must go on looking stale.
        updated_at = case when d.action = 'hold' then j.updated_at else clock_timestamp() end
      from decided d
      where j.id = d.id and j.status = 'in_progress' and not apply_recovery.dry_run
      returning j.id
    ),
    logged as (
      insert into public.queue_history (job_id, event, details, worker_id)
      select
        d.id, d.event,
        jsonb_build_object(
          'reason', d.reason, 'stale_since', d.stale_since, 'last_heartbeat', d.last_heartbeat,
          'lease_before', d.lease, 'lease_after', d.lease_after, 'recoveries', d.recoveries_after,
          'breaker_open', apply_recovery.outage, 'run_id', apply_recovery.run_id
        ),
        d.worker_id
      from decided d join moved m on m.id = d.id
    ),
    silenced as (
      delete from public.job_heartbeats h using decided d join moved m on m.id = d.id
      where h.job_id = d.id and d.action <> 'hold'
    ),
    -- The first recovery is sent at once, later ones wait longer and longer, spread by chance (PostHog cyclotron).
    queued as (
      select public.queue_dispatch(
        d.id, d.lease_after, 'stale_job_monitor',
        interval '30 seconds' * (power(2, least(greatest(d.recoveries_after, 1), 8) - 1) - 1) * (0.5 + random() / 2)
      )
      from decided d join moved m on m.id = d.id
      where d.action = 'requeue'
    )
  select
    d.id, d.customer_id, d.job_type, d.action, d.reason, d.stale_since,
    d.last_heartbeat, d.worker_id, d.lease, d.lease_after, d.recoveries_after,
    apply_recovery.outage, null::text
  from decided d
  cross join (select count(*) from queued) sent
  order by d.stale_since, d.id;
end $$;
revoke execute on function public.apply_recovery(uuid[], interval, boolean, uuid, boolean)
  from public, anon, authenticated;
grant execute on function public.apply_recovery(uuid[], interval, boolean, uuid, boolean) to service_role;

-- Recovers up to batch_limit stale jobs, longest stale first, and answers one row for each:
-- action is requeue, fail, hold, cancel, or error (that job is untouched and error says why; pass it in except_ids).
-- dry_run answers the very same rows and changes nothing.
-- In an outage (see stale_job_health) only canary_size jobs are requeued, none fails, and no allowance is used up.
create or replace function public.recover_stale_jobs(
  threshold_minutes integer default 10,
  batch_limit integer default 100,
  dry_run boolean default false,
  run_id uuid default gen_random_uuid(),
  breaker_min_running integer default 20,
  breaker_share numeric default 0.5,
  canary_size integer default 5,
  except_ids uuid[] default '{}'
)
returns table (
  job_id uuid, customer_id text, job_type text, action text, reason text, stale_since timestamptz,
  last_heartbeat timestamptz, worker_id text, lease_before bigint, lease_after bigint, recoveries integer,
  breaker_open boolean, error text
)
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
<<run>>
declare
  threshold constant interval := public.threshold_interval(threshold_minutes);
  outage boolean;
  picked uuid[];
  one uuid;
begin
  if coalesce(batch_limit, 0) < 1 or coalesce(canary_size, 0) < 1 or dry_run is null then
    raise exception 'batch_limit is %, canary_size is %, dry_run is %, wanted at least 1, at least 1, true or false',
      coalesce(batch_limit::text, 'null'), coalesce(canary_size::text, 'null'), coalesce(dry_run::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  select h.breaker_open into strict outage
  from public.stale_job_health(threshold_minutes, breaker_min_running, breaker_share) h;

  -- Lock first; what another run or a worker holds is not ours.
  picked := array(
    select j.id
    from public.judge_stale_jobs(run.threshold) s
    join public.jobs j on j.id = s.id
    where j.status = 'in_progress' and j.lease = s.lease and j.held_at is null
      and j.id <> all (coalesce(recover_stale_jobs.except_ids, '{}'))
      and (not run.outage or s.on_stale = 'requeue')
    order by s.stale_since, j.id
    limit case
      when run.outage then least(recover_stale_jobs.batch_limit, recover_stale_jobs.canary_size)
      else recover_stale_jobs.batch_limit
    end
    for update of j skip locked
  );

  -- A heartbeat that is being written this moment is a sign of life; and none can come between here and the commit.
  picked := array(
    with
      beating as (
        select h.job_id from public.job_heartbeats h where h.job_id = any (run.picked) for update skip locked
      ),
      working as (
        select w.ctid, w.current_job_id::text as job_id, w.worker_id from public.worker_heartbeats w
        where w.current_job_id::text = any (run.picked::text[])
          or w.worker_id = any (array(select j.worker_id from public.jobs j where j.id = any (run.picked)))
        for update skip locked
      )
    select p.id
    from unnest(run.picked) as p (id)
    join public.jobs j on j.id = p.id
    where not exists (
        select from public.job_heartbeats h
        where h.job_id = p.id and h.job_id not in (select b.job_id from beating b)
      )
      and not exists (
        select from public.worker_heartbeats w
        where (w.current_job_id::text = p.id::text or w.worker_id = j.worker_id)
          and w.ctid not in (select k.ctid from working k)
      )
  );

  -- Judge again, in a statement that sees all that was committed before the locks.
  begin
    return query select * from public.apply_recovery(picked, threshold, outage, run_id, dry_run);
  exception when others then
    -- One bad row must not stop the rest (awa#388): the same, job by job.
    foreach one in array picked loop
      begin
        return query select * from public.apply_recovery(array[one], threshold, outage, run_id, dry_run);
      exception when others then
        return query
        select
          j.id, j.customer_id::text, j.job_type, 'error', null::text, null::timestamptz,
          null::timestamptz, j.worker_id, j.lease, j.lease, j.recoveries,
          run.outage, sqlerrm
        from public.jobs j where j.id = run.one;
      end;
    end loop;
  end;
end $$;
revoke execute on function
  public.recover_stale_jobs(integer, integer, boolean, uuid, integer, numeric, integer, uuid[])
  from public, anon, authenticated;
grant execute on function
  public.recover_stale_jobs(integer, integer, boolean, uuid, integer, numeric, integer, uuid[])
  to service_role;

notify pgrst, 'reload schema';
