-- Undoes 005_find_stale_jobs_function.sql. Policies that were written by hand go with their table.
drop view if exists public.stale_jobs_view cascade;
drop function if exists public.find_stale_jobs(integer) cascade;
drop function if exists public.threshold_interval(integer) cascade;
drop function if exists public.judge_stale_jobs(interval, uuid[]) cascade;
drop view if exists public.effective_job_policies cascade;
drop table if exists public.job_policies cascade;
notify pgrst, 'reload schema';
