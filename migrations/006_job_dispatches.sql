-- The outbox: a message that must be sent for a job, written in the transaction that made it necessary.

create table if not exists public.job_dispatches (
  id bigint generated always as identity primary key,
  job_id uuid not null,
  lease bigint not null,
  requeued_by text not null,
  not_before timestamptz not null default now(),
  created_at timestamptz not null default now(),
  attempts integer not null default 0,
  held_until timestamptz, -- a monitor run is sending it and can live no longer than this
  last_error text,
  sent_at timestamptz,
  message_id text,
  constraint job_dispatches_requeued_by_is_known
    check (requeued_by in ('stale_job_monitor', 'fail_job', 'release_job')),
  constraint job_dispatches_sent_has_message check ((sent_at is null) = (message_id is null))
);
create unique index if not exists job_dispatches_one_pending_idx on public.job_dispatches (job_id)
  where sent_at is null;
create index if not exists job_dispatches_due_idx on public.job_dispatches (not_before, id) where sent_at is null;
create index if not exists job_dispatches_sent_at_idx on public.job_dispatches (sent_at) where sent_at is not null;

alter table public.job_dispatches enable row level security;
drop policy if exists deny_api_roles on public.job_dispatches;
create policy deny_api_roles on public.job_dispatches for all to anon, authenticated using (false) with check (false);
revoke all on public.job_dispatches from public, anon, authenticated;
revoke all on sequence public.job_dispatches_id_seq from public, anon, authenticated;
grant select, insert, update, delete on public.job_dispatches to service_role;

-- Writes the pending dispatch of a job; one that is still unsent is replaced, for only the newest lease counts.
create or replace function public.queue_dispatch(job_id uuid, lease bigint, requeued_by text, wait interval)
returns void
language sql volatile security invoker set search_path = '' as $$
  insert into public.job_dispatches as d (job_id, lease, requeued_by, not_before)
  values (queue_dispatch.job_id, queue_dispatch.lease, queue_dispatch.requeued_by, pg_catalog.clock_timestamp() + wait)
  on conflict (job_id) where sent_at is null do update
  set lease = excluded.lease, requeued_by = excluded.requeued_by, not_before = excluded.not_before,
      attempts = 0, held_until = null, last_error = null
$$;
revoke execute on function public.queue_dispatch(uuid, bigint, text, interval) from public, anon, authenticated;
grant execute on function public.queue_dispatch(uuid, bigint, text, interval) to service_role;

-- Takes up to batch_limit messages that must be sent and holds them for hold_seconds, so that two runs at once do not
-- both send them; a run that dies gives them back by the time it could no longer have lived.
-- Those due within look_ahead_seconds come with delay_seconds; SQS's longest delay is 900, and a FIFO queue takes none.
-- Those that were tried least come first, so that messages which SQS always refuses do not starve the rest.
-- A dispatch whose job has moved on is deleted.
create or replace function public.take_dispatches(
  batch_limit integer default 100, hold_seconds integer default 60, look_ahead_seconds integer default 900
)
returns table (
  dispatch_id bigint, job_id uuid, customer_id text, package_size integer, priority_level integer,
  retry_attempt integer, lease bigint, requeued_by text, delay_seconds integer
)
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
declare
  due bigint[];
begin
  if coalesce(batch_limit, 0) < 1 or coalesce(hold_seconds, 0) < 1 or coalesce(look_ahead_seconds, -1) < 0 then
    raise exception 'batch_limit is %, hold_seconds is %, look_ahead_seconds is %, wanted at least 1, 1 and 0',
      coalesce(batch_limit::text, 'null'), coalesce(hold_seconds::text, 'null'),
      coalesce(look_ahead_seconds::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  -- Lock first, judge after: a recovery that commits in between makes an obsolete dispatch a wanted one.
  due := array(
    select d.id from public.job_dispatches d
    where d.sent_at is null
      and d.not_before <= clock_timestamp() + make_interval(secs => look_ahead_seconds)
      and (d.held_until is null or d.held_until < clock_timestamp())
    order by d.attempts, d.not_before, d.id
    limit take_dispatches.batch_limit
    for update skip locked
  );
  delete from public.job_dispatches d
  where d.id = any (due) and not exists (
    select from public.jobs j where j.id = d.job_id and j.status = 'pending' and j.lease = d.lease
  );
  return query
  with
    taken as (
      update public.job_dispatches d
      set held_until = clock_timestamp() + make_interval(secs => hold_seconds), attempts = d.attempts + 1
      where d.id = any (due)
      returning d.*
    )
  select
    t.id, j.id, j.customer_id::text, j.package_size, j.priority_level,
    j.errors + j.recoveries, t.lease, t.requeued_by,
    greatest(0, ceil(extract(epoch from t.not_before - clock_timestamp())))::integer
  from taken t
  join public.jobs j on j.id = t.job_id
  order by t.attempts, t.not_before, t.id;
end $$;
revoke execute on function public.take_dispatches(integer, integer, integer) from public, anon, authenticated;
grant execute on function public.take_dispatches(integer, integer, integer) to service_role;

-- Records what SQS answered. sent: [{"dispatch_id", "lease", "message_id"}], refused: [{"dispatch_id", "lease", "error"}].
-- Where a lease is given it must be the dispatch's still: another message may be wanted by now.
-- What was refused is pending again at once. Answers how many were marked sent.
create or replace function public.mark_dispatches(sent jsonb, refused jsonb default '[]') returns integer
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
declare
  marked integer;
begin
  update public.job_dispatches d
  set sent_at = clock_timestamp(), message_id = s.message_id, held_until = null, last_error = null
  from jsonb_to_recordset(sent) as s (dispatch_id bigint, lease bigint, message_id text)
  where d.id = s.dispatch_id and d.lease = coalesce(s.lease, d.lease) and d.sent_at is null;
  get diagnostics marked = row_count;

  update public.job_dispatches d
  set held_until = null, last_error = left(r.error, 1000)
  from jsonb_to_recordset(refused) as r (dispatch_id bigint, lease bigint, error text)
  where d.id = r.dispatch_id and d.lease = coalesce(r.lease, d.lease) and d.sent_at is null;
  return marked;
end $$;
revoke execute on function public.mark_dispatches(jsonb, jsonb) from public, anon, authenticated;
grant execute on function public.mark_dispatches(jsonb, jsonb) to service_role;

notify pgrst, 'reload schema';
