-- Undoes 009_monitor_runs.sql.
drop view if exists public.wrong_recoveries_view cascade;
drop function if exists public.record_monitor_run(uuid, text, integer, boolean, jsonb) cascade;
drop table if exists public.monitor_runs cascade;
notify pgrst, 'reload schema';
