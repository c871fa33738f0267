-- The exact rate limit: never more than max_requests admitted in any window of that length, at every speed and under any
-- concurrency. docs/decisions/005-exact-rate-limit.md has the figures behind this shape.

-- The log of 004 takes its lasting shape. Nothing has written to it before this migration. Its column id stays, so that 004
-- can still be pasted again.
do $$
begin
  if not exists (
    select from pg_attribute
    where attrelid = 'public.rate_limit_requests'::regclass and attname = 'ordinal' and not attisdropped
  ) then
    delete from public.rate_limit_requests;
    alter table public.rate_limit_requests
      drop constraint rate_limit_requests_pkey,
      add column ordinal bigint not null,
      -- Two texts in the key would make each look-up slower. Where two hashes fell together, once in 10^19
      -- pairs, two callers would share a limit: one request less, never one more.
      add column caller_route_hash bigint not null, -- hashtextextended(route, hashtextextended(caller, 0))
      -- One index for both looks, at the newest row and at the oldest in the window.
      add constraint rate_limit_requests_pkey primary key (caller_route_hash, requested_at, ordinal);
    -- A minute of memory that a crash of the database empties is worth less than a flush to disk for every request.
    alter table public.rate_limit_requests set unlogged;
  end if;
end $$;
drop index if exists public.rate_limit_requests_caller_idx; -- the key does its work
comment on column public.rate_limit_requests.ordinal is
  'counts the admitted requests of a caller on a route, so that those in a window need not be counted one by one';

-- Decides on one request and, where it is admitted, records it.
-- caller: a keyed hash; route: "GET /api/health"; at most max_requests in any window_ms (1 to 3,600,000).
-- Answers {"allowed", "limit", "remaining", "retry_after_ms", "reset_ms"}: retry_after_ms is 0 where it is allowed, and
-- reset_ms the time until one more than "remaining" is free. A caller over the limit costs two index look-ups, waits for
-- no lock and writes nothing.
create or replace function public.check_rate_limit(
  caller text, route text, max_requests integer default 100, window_ms integer default 60000,
  out allowed boolean, out "limit" integer, out remaining integer, out retry_after_ms integer, out reset_ms integer
)
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '1900ms'
-- A plan that was made while the table was empty, or while one caller had filled it, would go on to read all of the window
-- for as long as its session lives. These leave no plan but the look-up in the key, which is the best for every caller.
set enable_seqscan = off set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  hash constant bigint := hashtextextended(route, hashtextextended(caller, 0));
  is_locked boolean;
  instant timestamptz;
  since timestamptz; -- the window is what came later
  newest_at timestamptz; -- of those in the window
  newest bigint;
  oldest_at timestamptz;
  oldest bigint;
  used bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    -- Its one snapshot would be older than the lock, and hide what others were admitted meanwhile.
    raise exception 'the transaction is %, wanted read committed', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  elsif (caller <> '' and route <> '' and max_requests > 0 and window_ms between 1 and 3600000) is not true then
    raise exception
      'caller is %, route is %, max_requests is %, window_ms is %, wanted a caller, a route, at least 1 and 1 to 3600000',
      coalesce(quote_literal(caller), 'null'), coalesce(quote_literal(route), 'null'),
      coalesce(max_requests::text, 'null'), coalesce(window_ms::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;

  -- Where another request of this caller is being decided, look before waiting for it: a caller that is full stays full
  -- until a request leaves the window. Only a look under the lock can admit.
  is_locked := pg_try_advisory_xact_lock(hash);
  loop
    instant := clock_timestamp(); -- after the lock: now() is as old as the wait for it
    since := instant - make_interval(secs => window_ms / 1000.0);
    used := 0;
    oldest_at := null;
    select r.requested_at, r.ordinal into newest_at, newest
    from public.rate_limit_requests r
    where r.caller_route_hash = hash and r.requested_at > since
    order by r.requested_at desc, r.ordinal desc
    limit 1;
    if found then
      select r.requested_at, r.ordinal into oldest_at, oldest
      from public.rate_limit_requests r
      where r.caller_route_hash = hash and r.requested_at > since
      order by r.requested_at, r.ordinal
      limit 1;
      used := newest - oldest + 1;
    end if;
    exit when is_locked or used >= max_requests;
    perform pg_advisory_xact_lock(hash);
    is_locked := true;
  end loop;

  allowed := used < max_requests;
  if allowed then
    -- Never before the newest: where the clock was set back, the log stays in order, and the limit holds.
    insert into public.rate_limit_requests (caller_route_hash, caller, route, requested_at, ordinal)
    values (
      hash, check_rate_limit.caller, check_rate_limit.route, greatest(instant, newest_at), coalesce(newest, 0) + 1
    );
  elsif used > max_requests then
    -- The limit was lowered: more than one must leave the window.
    select r.requested_at into oldest_at
    from public.rate_limit_requests r
    where r.caller_route_hash = hash
    order by r.requested_at desc, r.ordinal desc
    offset max_requests - 1 limit 1;
  end if;
  "limit" := max_requests;
  remaining := greatest(max_requests - used - 1, 0);
  reset_ms := least(greatest(ceil(extract(epoch from coalesce(oldest_at, instant) - since) * 1000), 1), window_ms);
  retry_after_ms := case when allowed then 0 else reset_ms end;
end $$;
revoke execute on function public.check_rate_limit(text, text, integer, integer) from public, anon, authenticated;
grant execute on function public.check_rate_limit(text, text, integer, integer) to service_role;

-- Deletes records older than the given hours, oldest first, 10,000 a call; answers how many were deleted: call it again
-- while that is 10,000. older_than_hours below 1, or null, is an error: a live window, at most an hour long, may need them.
create or replace function public.cleanup_rate_limit_records(older_than_hours integer default 24) returns integer
  language plpgsql volatile security invoker set search_path = '' set statement_timeout = '20s' as $$
declare
  deleted integer;
begin
  if older_than_hours is null or older_than_hours < 1 then
    raise exception 'older_than_hours is %, wanted a whole number of at least 1', coalesce(older_than_hours::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  delete from public.rate_limit_requests r
  where r.ctid = any (array(
    select old.ctid from public.rate_limit_requests old
    where old.requested_at < now() - make_interval(hours => older_than_hours)
    order by old.requested_at
    limit 10000
    for update skip locked
  ));
  get diagnostics deleted = row_count;
  return deleted;
end $$;
revoke execute on function public.cleanup_rate_limit_records(integer) from public, anon, authenticated;
grant execute on function public.cleanup_rate_limit_records(integer) to service_role;

-- Where pg_cron is there, it cleans up too; the stack's own schedule needs it not, and both at once do no harm.
do $$
begin
  if to_regprocedure('cron.schedule(text, text, text)') is not null then
    execute $cron$select cron.schedule(
      'queuekeeper-rate-limit-cleanup', '*/10 * * * *', 'select public.cleanup_rate_limit_records()'
    )$cron$;
  end if;
exception when insufficient_privilege or invalid_schema_name then
  raise notice 'pg_cron is not ours to use (%); the stack cleans up by itself', sqlerrm;
end $$;

notify pgrst, 'reload schema';
