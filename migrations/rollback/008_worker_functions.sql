-- Undoes 008_worker_functions.sql.
drop function if exists public.cancel_job(uuid) cascade;
drop function if exists public.release_job(uuid, bigint) cascade;
drop function if exists public.fail_job(uuid, bigint, text, boolean) cascade;
drop function if exists public.complete_job(uuid, bigint) cascade;
do $$
begin
  -- Its parameter is the row type of jobs, so that it cannot be named once the table is gone.
  if to_regclass('public.jobs') is not null then
    drop function if exists public.end_hold(public.jobs, text, text, jsonb) cascade;
  end if;
end $$;
drop function if exists public.heartbeat_job(uuid, bigint) cascade;
drop function if exists public.claim_job(uuid, text, bigint) cascade;
drop function if exists public.touch_worker(text, uuid) cascade;
notify pgrst, 'reload schema';
