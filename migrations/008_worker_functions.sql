-- The worker's side, for any language over REST: every call but claim_job matches the lease that the claim gave.

-- A worker shows life with a job in its hands; one row per worker.
create or replace function public.touch_worker(worker_id text, job_id uuid) returns void
language plpgsql volatile security invoker set search_path = '' as $$
begin
  if touch_worker.worker_id is null then
    return; -- a job that was put in progress without claim_job has no worker on record
  end if;
  update public.worker_heartbeats w
  set last_heartbeat = clock_timestamp(), current_job_id = touch_worker.job_id, status = 'active'
  where w.worker_id = touch_worker.worker_id;
  if not found then
    insert into public.worker_heartbeats (worker_id, queue_name, status, current_job_id, last_heartbeat, metadata)
    values (touch_worker.worker_id, 'default', 'active', touch_worker.job_id, clock_timestamp(), '{}')
    on conflict do nothing;
  end if;
end $$;
revoke execute on function public.touch_worker(text, uuid) from public, anon, authenticated;
grant execute on function public.touch_worker(text, uuid) to service_role;

-- Takes a pending job for a worker. worker_id must be new for each start of a process: a reused name would keep the
-- job of its dead namesake alive. message_lease is the message's "lease", where it has one.
-- Answers {"claimed": true, "lease": n, "job": {…}} or {"claimed": false, "reason": "in_progress" | "finished" |
-- "superseded" | "unknown"}: then delete the message, for the row is the truth and loses nothing.
create or replace function public.claim_job(job_id uuid, worker_id text, message_lease bigint default null)
returns jsonb
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  found_job public.jobs;
begin
  if job_id is null or coalesce(claim_job.worker_id, '') = '' then
    raise exception 'job_id is %, worker_id is %, wanted a job id and a name for the worker',
      coalesce(claim_job.job_id::text, 'null'), coalesce(claim_job.worker_id, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  select * into found_job from public.jobs j where j.id = claim_job.job_id for update;
  if not found then
    return jsonb_build_object('claimed', false, 'reason', 'unknown');
  elsif found_job.status = 'in_progress' then
    return jsonb_build_object('claimed', false, 'reason', 'in_progress');
  elsif found_job.status <> 'pending' and (found_job.dead_lettered_at is null or found_job.status <> 'failed') then
    -- Only a redrive brings a message back for a job that failed with its message: a person wants it tried again.
    return jsonb_build_object('claimed', false, 'reason', 'finished');
  elsif message_lease < found_job.lease and exists (
    select from public.job_dispatches d where d.job_id = found_job.id and d.sent_at is null
  ) then
    return jsonb_build_object('claimed', false, 'reason', 'superseded'); -- a newer message is still to come
  end if;

  update public.jobs j
  set status = 'in_progress', lease = j.lease + 1, worker_id = claim_job.worker_id,
      started_at = clock_timestamp(), updated_at = clock_timestamp(), held_at = null, dead_lettered_at = null
  where j.id = found_job.id
  returning * into found_job;
  delete from public.job_dispatches d where d.job_id = found_job.id and d.sent_at is null;
  insert into public.job_heartbeats as h (job_id, lease) values (found_job.id, found_job.lease)
  on conflict (job_id) do update set lease = excluded.lease, last_heartbeat = null;
  perform public.touch_worker(claim_job.worker_id, found_job.id);
  insert into public.queue_history (job_id, event, details, worker_id)
  values (
    found_job.id, 'claimed', jsonb_build_object('lease', found_job.lease, 'message_lease', message_lease),
    claim_job.worker_id
  );
  return jsonb_build_object(
    'claimed', true,
    'lease', found_job.lease,
    'job', jsonb_build_object(
      'id', found_job.id, 'customer_id', found_job.customer_id, 'package_size', found_job.package_size,
      'priority_level', found_job.priority_level, 'job_type', found_job.job_type,
      'retry_attempt', found_job.errors + found_job.recoveries, 'metadata', found_job.metadata
    )
  );
end $$;
revoke execute on function public.claim_job(uuid, text, bigint) from public, anon, authenticated;
grant execute on function public.claim_job(uuid, text, bigint) to service_role;

-- One sign of life, at most every third of the threshold. Answers 'alive'; 'cancel' (stop, then fail_job with
-- retry => false); or 'lost': the job is another's now, stop at once and write nothing.
create or replace function public.heartbeat_job(job_id uuid, lease bigint) returns text
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  owner public.jobs;
begin
  update public.job_heartbeats h set last_heartbeat = clock_timestamp()
  where h.job_id = heartbeat_job.job_id and h.lease = heartbeat_job.lease;
  if found then
    select * into owner from public.jobs j where j.id = heartbeat_job.job_id;
    if not found or owner.status <> 'in_progress' or owner.lease <> heartbeat_job.lease then
      return 'lost'; -- somebody ended it past these functions
    end if;
  else
    -- A job that was put in progress without claim_job has no row of beats yet; the lock keeps a recovery out.
    select * into owner from public.jobs j
    where j.id = heartbeat_job.job_id and j.lease = heartbeat_job.lease and j.status = 'in_progress' for share;
    if not found then
      return 'lost';
    end if;
    insert into public.job_heartbeats (job_id, lease, last_heartbeat)
    values (heartbeat_job.job_id, heartbeat_job.lease, clock_timestamp())
    on conflict (job_id) do update set lease = excluded.lease, last_heartbeat = excluded.last_heartbeat;
  end if;
  perform public.touch_worker(owner.worker_id, owner.id);
  return case when owner.cancel_requested_at is null then 'alive' else 'cancel' end;
end $$;
revoke execute on function public.heartbeat_job(uuid, bigint) from public, anon, authenticated;
grant execute on function public.heartbeat_job(uuid, bigint) to service_role;

-- What every end of a hold has in common: no more beats, the worker is free, and the event.
create or replace function public.end_hold(ended public.jobs, holder text, event text, details jsonb) returns void
language plpgsql volatile security invoker set search_path = '' as $$
begin
  delete from public.job_heartbeats h where h.job_id = ended.id;
  update public.worker_heartbeats w
  set last_heartbeat = clock_timestamp(), current_job_id = null, status = 'idle'
  where w.worker_id = holder and w.current_job_id::text = ended.id::text; -- it may hold others besides
  insert into public.queue_history (job_id, event, details, worker_id)
  values (ended.id, end_hold.event, end_hold.details || jsonb_build_object('lease', ended.lease), holder);
end $$;
revoke execute on function public.end_hold(public.jobs, text, text, jsonb) from public, anon, authenticated;
grant execute on function public.end_hold(public.jobs, text, text, jsonb) to service_role;

-- Ends a job well. Answers 'completed', also when called again with the same lease; or 'lost': the job is another's
-- now. That late completion is recorded once, so that the share of wrong recoveries can be seen.
create or replace function public.complete_job(job_id uuid, lease bigint) returns text
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  job public.jobs;
begin
  select * into job from public.jobs j where j.id = complete_job.job_id for update;
  if job.status = 'in_progress' and job.lease = complete_job.lease then
    update public.jobs j
    set status = public.completed_status(), completed_at = clock_timestamp(), updated_at = clock_timestamp(),
        recoveries = 0, error_message = null, held_at = null, cancel_requested_at = null
    where j.id = job.id;
    perform public.end_hold(job, job.worker_id, 'completed', '{}');
    return 'completed';
  elsif job.status = public.completed_status() and job.lease = complete_job.lease then
    return 'completed';
  elsif job.id is not null and complete_job.lease between 0 and job.lease
    and not (complete_job.lease = job.lease and job.status = 'pending') -- given back by the worker itself
    and not exists (
      select from public.queue_history h
      where h.event = 'completion_refused' and h.job_id::text = job.id::text
        and h.details ->> 'lease' = complete_job.lease::text
    ) then
    insert into public.queue_history (job_id, event, details)
    values (
      job.id, 'completion_refused',
      jsonb_build_object('lease', complete_job.lease, 'lease_now', job.lease, 'status', job.status)
    );
  end if;
  return 'lost';
end $$;
revoke execute on function public.complete_job(uuid, bigint) from public, anon, authenticated;
grant execute on function public.complete_job(uuid, bigint) to service_role;

-- Ends a job with an error. With retry it goes back to pending after a growing, random wait, until its policy's
-- max_errors are used up. Answers 'retrying', 'failed' or 'lost'.
create or replace function public.fail_job(job_id uuid, lease bigint, error_message text, retry boolean default true)
returns text
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  job public.jobs;
  again boolean;
begin
  select * into job from public.jobs j where j.id = fail_job.job_id for update;
  if job.lease = fail_job.lease and job.error_message is not distinct from left(fail_job.error_message, 10000)
    and job.status in ('pending', 'failed') then
    return case job.status when 'pending' then 'retrying' else 'failed' end; -- the same call once more
  elsif job.id is null or job.status <> 'in_progress' or job.lease is distinct from fail_job.lease then
    return 'lost';
  end if;

  select fail_job.retry and job.cancel_requested_at is null and job.errors + 1 <= p.max_errors into again
  from public.effective_job_policies p
  where p.job_type in (job.job_type, 'default')
  order by p.job_type = 'default'
  limit 1;

  update public.jobs j
  set status = case when again then 'pending' else 'failed' end, errors = j.errors + 1,
      error_message = left(fail_job.error_message, 10000), updated_at = clock_timestamp(),
      started_at = case when not again then j.started_at end, worker_id = null, held_at = null
  where j.id = job.id;
  perform public.end_hold(
    job, job.worker_id, case when again then 'retry_scheduled' else 'failed' end,
    jsonb_build_object('error', left(fail_job.error_message, 10000), 'errors', job.errors + 1)
  );
  if again then
    perform public.queue_dispatch(
      job.id, job.lease, 'fail_job', interval '10 seconds' * power(2, least(job.errors, 8)) * (0.5 + random() / 2)
    );
  end if;
  return case when again then 'retrying' else 'failed' end;
end $$;
revoke execute on function public.fail_job(uuid, bigint, text, boolean) from public, anon, authenticated;
grant execute on function public.fail_job(uuid, bigint, text, boolean) to service_role;

-- Gives a job back unharmed, for example at shutdown: pending at once, recoveries back to 0. One whose end was asked
-- for ends here, as failed.
-- Answers 'released', also when called again with the same lease; or 'lost'.
create or replace function public.release_job(job_id uuid, lease bigint) returns text
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  job public.jobs;
begin
  select * into job from public.jobs j where j.id = release_job.job_id for update;
  if job.lease = release_job.lease
    and (job.status = 'pending' or (job.status = 'failed' and job.cancel_requested_at is not null)) then
    return 'released';
  elsif job.id is null or job.status <> 'in_progress' or job.lease is distinct from release_job.lease then
    return 'lost';
  end if;
  if job.cancel_requested_at is not null then
    update public.jobs j
    set status = 'failed', error_message = 'Cancelled on request.', worker_id = null, held_at = null,
        updated_at = clock_timestamp()
    where j.id = job.id;
    perform public.end_hold(job, job.worker_id, 'cancelled', '{}');
    return 'released';
  end if;
  update public.jobs j
  set status = 'pending', recoveries = 0, started_at = null, worker_id = null, held_at = null,
      updated_at = clock_timestamp()
  where j.id = job.id;
  perform public.end_hold(job, job.worker_id, 'released', '{}');
  perform public.queue_dispatch(job.id, job.lease, 'release_job', interval '0');
  return 'released';
end $$;
revoke execute on function public.release_job(uuid, bigint) from public, anon, authenticated;
grant execute on function public.release_job(uuid, bigint) to service_role;

-- Asks for the end of a job. A pending one ends at once ('cancelled'); the worker of a running one hears of it in its
-- next heartbeat ('requested'); a finished or unknown one is left alone ('finished', 'unknown').
create or replace function public.cancel_job(job_id uuid) returns text
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  job public.jobs;
begin
  select * into job from public.jobs j where j.id = cancel_job.job_id for update;
  if not found then
    return 'unknown';
  elsif job.status = 'pending' then
    update public.jobs j
    set status = 'failed', error_message = 'Cancelled on request.', updated_at = clock_timestamp()
    where j.id = job.id;
    delete from public.job_dispatches d where d.job_id = job.id and d.sent_at is null;
    insert into public.queue_history (job_id, event, details)
    values (job.id, 'cancelled', jsonb_build_object('lease', job.lease));
    return 'cancelled';
  elsif job.status <> 'in_progress' then
    return 'finished';
  end if;
  if job.cancel_requested_at is null then
    update public.jobs j set cancel_requested_at = clock_timestamp() where j.id = job.id;
    insert into public.queue_history (job_id, event, details, worker_id)
    values (job.id, 'cancel_requested', jsonb_build_object('lease', job.lease), job.worker_id);
  end if;
  return 'requested';
end $$;
revoke execute on function public.cancel_job(uuid) from public, anon, authenticated;
grant execute on function public.cancel_job(uuid) to service_role;

notify pgrst, 'reload schema';
