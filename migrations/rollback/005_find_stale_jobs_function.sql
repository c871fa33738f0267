-- Undoes 005_find_stale_jobs_function.sql. A policy written by hand may be all that keeps a job from running twice.
do $$
begin
  if to_regclass('public.job_policies') is not null
    and coalesce(current_setting('queuekeeper.drop_data', true), '') <> 'on' then
    if exists (
      select from public.job_policies p
      where p.job_type <> 'default' or p.stale_after is not null or p.deadline is not null
        or (p.max_recoveries, p.on_stale, p.max_errors) is distinct from (3, 'requeue', 5)
    ) then
      raise exception 'job_policies holds policies: save them, then add --drop-data (in SQL: set queuekeeper.drop_data to on)';
    end if;
  end if;
end $$;
drop view if exists public.stale_jobs_view cascade;
drop function if exists public.find_stale_jobs(integer) cascade;
drop function if exists public.threshold_interval(integer) cascade;
drop function if exists public.judge_stale_jobs(interval, uuid[]) cascade;
drop view if exists public.effective_job_policies cascade;
drop table if exists public.job_policies cascade;
notify pgrst, 'reload schema';
