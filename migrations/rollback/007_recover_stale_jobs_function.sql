-- Undoes 007_recover_stale_jobs_function.sql.
drop function if exists
  public.recover_stale_jobs(integer, integer, boolean, uuid, integer, numeric, integer, uuid[]) cascade;
drop function if exists public.apply_recovery(uuid[], interval, boolean, uuid, boolean) cascade;
drop function if exists public.stale_job_health(integer, integer, numeric) cascade;
notify pgrst, 'reload schema';
