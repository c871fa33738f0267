-- Undoes 011_check_rate_limit.sql: the table and the cleanup are again as 004 made them.
do $$
begin
  if to_regprocedure('cron.unschedule(text)') is not null then
    execute $cron$select cron.unschedule(jobname) from cron.job where jobname = 'queuekeeper-rate-limit-cleanup'$cron$;
  end if;
exception when insufficient_privilege or invalid_schema_name then
  raise notice 'pg_cron is not ours to use (%)', sqlerrm;
end $$;
drop function if exists public.check_rate_limit(text, text, integer, integer) cascade;

do $$
begin
  if to_regclass('public.rate_limit_requests') is not null and exists (
    select from pg_attribute
    where attrelid = 'public.rate_limit_requests'::regclass and attname = 'ordinal' and not attisdropped
  ) then
    drop table public.rate_limit_requests cascade;
    create table public.rate_limit_requests (
      id bigint generated always as identity primary key,
      caller text not null, -- a keyed hash, never an address or a key in the clear
      route text not null,
      requested_at timestamptz not null default now()
    );
    create index rate_limit_requests_caller_idx on public.rate_limit_requests (caller, route, requested_at desc);
    create index rate_limit_requests_requested_at_idx on public.rate_limit_requests (requested_at);
    alter table public.rate_limit_requests enable row level security;
    create policy deny_api_roles on public.rate_limit_requests for all to anon, authenticated
      using (false) with check (false);
    revoke all on public.rate_limit_requests from public, anon, authenticated;
    revoke all on sequence public.rate_limit_requests_id_seq from public, anon, authenticated;
    grant select, insert, update, delete on public.rate_limit_requests to service_role;
  end if;
end $$;

-- Deletes records older than the given hours, oldest first, 10,000 a call; answers how many were deleted.
-- older_than_hours below 1, or null, is an error: 0 would reset the limit of every caller.
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
  where r.id = any (array(
    select old.id from public.rate_limit_requests old
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

notify pgrst, 'reload schema';
