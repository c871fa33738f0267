-- Undoes 002_worker_heartbeats.sql. A table that was there before Queuekeeper stays, with all its rows.
do $$
begin
  if to_regclass('public.worker_heartbeats') is null then
    return;
  elsif obj_description('public.worker_heartbeats'::regclass) is distinct from
    'Created by Queuekeeper: the last sign of life of each worker.' then
    drop index if exists public.worker_heartbeats_current_job_idx, public.worker_heartbeats_worker_id_idx;
    drop policy if exists deny_api_roles on public.worker_heartbeats;
  else
    drop table public.worker_heartbeats cascade; -- signs of life are worth nothing a minute later
  end if;
end $$;
drop table if exists public.job_heartbeats cascade;
notify pgrst, 'reload schema';
