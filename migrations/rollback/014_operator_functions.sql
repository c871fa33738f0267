-- Undoes 014_operator_functions.sql.
drop function if exists public.busiest_callers(integer, timestamptz, integer, integer) cascade;
drop function if exists public.recent_events(integer, timestamptz, timestamptz) cascade;
drop function if exists public.list_stale_jobs(integer, integer) cascade;
drop function if exists public.recover_stale_job(uuid, text, integer, boolean) cascade;
drop index if exists public.queue_history_created_at_idx;
notify pgrst, 'reload schema';
