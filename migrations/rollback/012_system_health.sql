-- Undoes 012_system_health.sql.
drop function if exists public.system_health(integer) cascade;
drop index if exists public.jobs_finished_at_idx;
drop index if exists public.jobs_pending_last_change_idx;
notify pgrst, 'reload schema';
