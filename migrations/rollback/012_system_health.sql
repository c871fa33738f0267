-- Undoes 012_system_health.sql.
drop function if exists public.system_health(integer) cascade;
drop index if exists public.jobs_finished_at_idx;
drop index if exists public.jobs_waiting_line_idx;
notify pgrst, 'reload schema';
